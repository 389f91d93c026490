//! What only the machine itself knows: how full its disk is and how much it has to do, asked over ssh.

use super::Look;
use crate::reach::Reach;
use std::time::{Duration, Instant};

/// What the machine gets, with the way to it.
const PATIENCE: Duration = Duration::from_secs(60);
const DISK: &str = "LC_ALL=C df -Pk / | tail -n 1";
const LOAD: &str = "cat /proc/loadavg; getconf _NPROCESSORS_ONLN || grep -c ^processor /proc/cpuinfo";

/// How much of its root is in use.
pub async fn disk(reach: Option<&Reach>, most: u8) -> Look {
    look(reach, DISK, |lines| match used(lines) {
        Some(percent) if percent > u64::from(most) => {
            Err(format!("{percent} % of its root is in use; expected {most} % at most"))
        }
        Some(percent) => Ok(format!("{percent} % of its root is in use")),
        None => Err("df there says nothing that makes sense".to_owned()),
    })
    .await
}

/// How much load each of its processors has.
pub async fn load(reach: Option<&Reach>, most: u32) -> Look {
    look(reach, LOAD, |lines| match busy(lines) {
        Some(percent) if percent > most => {
            Err(format!("the load is {percent} % of its processors; expected {most} % at most"))
        }
        Some(percent) => Ok(format!("the load is {percent} % of its processors")),
        None => Err("it does not tell its load".to_owned()),
    })
    .await
}

async fn look(reach: Option<&Reach>, script: &str, judge: impl Fn(&[String]) -> Result<String, String>) -> Look {
    let Some(reach) = reach else { return Look::wrong("there is no way to it over ssh") };
    let began = Instant::now();
    let mut lines = Vec::new();
    let run = reach.run(script, &[], |line| {
        if !line.error && lines.len() < 8 {
            lines.push(line.text);
        }
    });
    match tokio::time::timeout(PATIENCE, run).await {
        Err(_) => Look::wrong(format!("it did not answer over ssh within {} s", PATIENCE.as_secs())),
        Ok(Err(error)) => Look::wrong(format!("it cannot be asked over ssh: {}; {}", error.error, error.next_step)),
        Ok(Ok(_)) => match judge(&lines) {
            Ok(said) => Look::well(said, Some(began.elapsed())),
            Err(said) => Look::wrong(said),
        },
    }
}

/// Percent, from the last line of df(1), rounded up as it does.
fn used(lines: &[String]) -> Option<u64> {
    let words: Vec<&str> = lines.last()?.split_whitespace().collect();
    words.get(4)?.strip_suffix('%')?.parse().ok()
}

/// Percent of all processors, over the last minute.
fn busy(lines: &[String]) -> Option<u32> {
    let load: f64 = lines.first()?.split_whitespace().next()?.parse().ok()?;
    let processors: u32 = lines.get(1)?.trim().parse().ok().filter(|number| *number > 0)?;
    (load.is_finite() && load >= 0.0).then(|| (load.min(1e6) * 100.0 / f64::from(processors)).round() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_machines_say() {
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(used(&lines("/dev/vda1 1000 900 100 91% /")), Some(91));
        assert_eq!(used(&lines("df: /: no")), None);
        assert_eq!(used(&[]), None);
        assert_eq!(busy(&lines("3.00 1.00 0.50 1/100 4242\n2")), Some(150));
        for bad in ["3.00", "3.00\n0", "x\n2", "", "-1\n2", "inf\n2"] {
            assert_eq!(busy(&lines(bad)), None, "{bad}");
        }
    }
}
