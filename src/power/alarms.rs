//! What is to be done to an alarm clock so that it switches its machine on when the schedule does. Pure.

use super::Alarm;
use jiff::Timestamp;

/// What the names of our alarms begin with. All others are somebody else's, and never touched.
const OURS: &str = "pxelator ";
/// Alarms that the firmware has room for.
const MOST: usize = 5;

/// What is to be done, in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// To be taken out.
    pub remove: Vec<Alarm>,
    /// To be set.
    pub add: Option<Alarm>,
    /// What is wanted cannot be set: so many alarms of others leave no room.
    pub full: Option<usize>,
}

/// Compares the alarms that are set with when the machine is to go on by itself, if ever.
pub fn reconcile(set: &[Alarm], wanted: Option<Timestamp>) -> Reconciled {
    let (ours, others): (Vec<_>, Vec<_>) = set.iter().partition(|alarm| alarm.name.starts_with(OURS));
    let is_set = |wanted| ours.iter().position(|alarm| is_minute_of(alarm.due, wanted));
    let kept = wanted.and_then(is_set);
    let remove =
        ours.iter().enumerate().filter(|(at, _)| Some(*at) != kept).map(|(_, alarm)| (*alarm).clone()).collect();
    match wanted.filter(|_| kept.is_none()) {
        None => Reconciled { remove, add: None, full: None },
        Some(_) if others.len() >= MOST => Reconciled { remove, add: None, full: Some(others.len()) },
        Some(due) => Reconciled { remove, add: Some(Alarm { name: format!("{OURS}{due}"), due }), full: None },
    }
}

/// The clock knows no seconds.
fn is_minute_of(set: Timestamp, wanted: Timestamp) -> bool {
    set.as_second().div_euclid(60) == wanted.as_second().div_euclid(60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alarm(name: &str, due: &str) -> Alarm {
        Alarm { name: name.to_owned(), due: due.parse().unwrap() }
    }

    #[test]
    fn alarms() {
        let (monday, tuesday) = ("2026-11-30T06:30:00Z", "2026-12-01T06:30:00Z");
        let ours = |due: &str| alarm(&format!("pxelator {due}"), due);
        let backup = |at: usize| alarm(&format!("backup {at}"), monday);
        let of_others = |count: usize| (0..count).map(backup).collect::<Vec<_>>();
        let with = |mut alarms: Vec<Alarm>, more: Vec<Alarm>| {
            alarms.extend(more);
            alarms
        };
        let nothing = Reconciled::default();
        let add = |due: &str| Reconciled { add: Some(ours(due)), ..Reconciled::default() };
        let remove = |alarms: Vec<Alarm>| Reconciled { remove: alarms, ..Reconciled::default() };
        let cases: Vec<(&str, Vec<Alarm>, Option<&str>, Reconciled)> = vec![
            ("nothing is set nor wanted", vec![], None, nothing.clone()),
            ("the first", vec![], Some(monday), add(monday)),
            ("it is set", vec![ours(monday)], Some(monday), nothing.clone()),
            ("without seconds", vec![ours("2026-11-30T06:30:59Z")], Some(monday), nothing.clone()),
            (
                "another time",
                vec![ours(monday)],
                Some(tuesday),
                Reconciled { remove: vec![ours(monday)], ..add(tuesday) },
            ),
            (
                "nothing is scheduled any more",
                vec![ours(monday), ours(tuesday)],
                None,
                remove(vec![ours(monday), ours(tuesday)]),
            ),
            ("set twice", vec![ours(monday), ours(monday)], Some(monday), remove(vec![ours(monday)])),
            ("others are left alone", of_others(3), None, nothing.clone()),
            ("another's at the same time is not ours", of_others(1), Some(monday), add(monday)),
            ("the last place", of_others(4), Some(monday), add(monday)),
            (
                "ours takes the place of ours",
                with(of_others(4), vec![ours(monday)]),
                Some(tuesday),
                Reconciled { remove: vec![ours(monday)], ..add(tuesday) },
            ),
            ("no place", of_others(5), Some(monday), Reconciled { full: Some(5), ..nothing.clone() }),
            ("no place is needed", of_others(5), None, nothing.clone()),
            ("a name that is much like ours", vec![alarm("pxelators", monday)], None, nothing),
        ];
        for (what, set, wanted, expected) in cases {
            assert_eq!(reconcile(&set, wanted.map(|due| due.parse().unwrap())), expected, "{what}");
        }
    }
}
