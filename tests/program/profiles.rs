//! The shipped profiles, for a machine that has but a name and for one that has every file they know: each line of boot and each
//! answer file renders, secrets only for an armed machine, and nothing of one machine's values is lost.

use pxelator::{
    boot::{self, Asker, Served, Standing},
    conf::{self, Conf, Machine, Segment},
    event::Refusal,
};
use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command, sync::Arc};

const HASH: &str = "$6$salt$hash/of.it";
const KEYS: [&str; 2] = ["ssh-ed25519 AAAAC3Nza one@house", "ssh-ed25519 AAAAC3Nzb two@house"];

/// Shipped profiles that this test looks after, and the answer files that have secrets.
const PROFILES: [(&str, &[&str]); 9] = [
    ("webconverger", &[]),
    ("rescue", &[]),
    ("debian", &["preseed.cfg"]),
    ("ubuntu", &["user-data"]),
    ("alma", &["ks.cfg"]),
    ("alpine", &["finish"]),
    ("coreos", &["config.ign"]),
    ("nixos", &["configuration.nix"]),
    ("cloud", &["user-data"]),
];
/// Secrets without which a machine could not be used: their files are not given without one.
const NEEDED: [&str; 3] = ["debian", "ubuntu", "alma"];

/// A tree with the shipped profiles and one machine: what it boots, whether it is armed, and its values.
fn tree(profile: &str, armed: bool, rich: bool) -> (tempfile::TempDir, Conf) {
    let folder = tempfile::tempdir().unwrap();
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("conf/boot");
    for shipped in fs::read_dir(project).unwrap().map(Result::unwrap) {
        let to = folder.path().join("boot").join(shipped.file_name());
        fs::create_dir_all(&to).unwrap();
        for file in fs::read_dir(shipped.path()).unwrap().map(Result::unwrap) {
            fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
    }
    let machine = folder.path().join("10.77.0.1/10.77.0.60");
    fs::create_dir_all(&machine).unwrap();
    let mut values = vec![("mac", "52:54:00:00:00:01".to_owned()), ("hostname", "web1".to_owned())];
    values.push((if armed { "boot-once" } else { "boot" }, profile.to_owned()));
    values.push(("init", "/nix/store/abc-nixos/init".to_owned()));
    if rich {
        for (name, value) in [
            ("sshkeys", KEYS.join("\n").as_str()),
            ("user", "ada"),
            ("disk", "/dev/vda"),
            ("packages", "htop\nvim"),
            ("locale", "de_DE.UTF-8"),
            ("keyboard", "de"),
            ("timezone", "Europe/Berlin"),
            ("proxy", "http://proxy.lan:3128"),
            ("mirror", "mirror.lan"),
            ("repo", "http://mirror.lan/alma/"),
            ("console", "ttyS0,115200"),
            ("homepage", "http://one.lan/\nhttp://two.lan/"),
            ("language", "de"),
            ("useragent", "Kiosk \"1\""),
            ("certificate", "-----BEGIN CERTIFICATE-----\nAAAA\nBBBB\n-----END CERTIFICATE-----"),
            ("kiosk", "noblank"),
        ] {
            values.push((name, value.to_owned()));
        }
        values.push(("password.secret", HASH.to_owned()));
    }
    for (name, value) in values {
        fs::write(machine.join(name), value + "\n").unwrap();
        if name.ends_with(".secret") {
            fs::set_permissions(machine.join(name), fs::Permissions::from_mode(0o600)).unwrap();
        }
    }
    fs::write(folder.path().join("10.77.0.1/domain"), "lan\n").unwrap();
    let reading = conf::read(folder.path(), None);
    assert!(reading.mistakes.is_empty(), "{profile}: {:?}", reading.mistakes);
    (folder, reading.conf)
}

fn serve(conf: &Conf, path: &str) -> Result<(String, bool), Refusal> {
    let segment: &Arc<Segment> = conf.segments.values().next().unwrap();
    let machine: &Arc<Machine> = segment.machines.values().next().unwrap();
    let standing = Standing::default();
    let asker = Asker { address: machine.address, mac: Some(machine.mac), machine: Some(machine), standing };
    match boot::serve(conf, segment, asker, path)? {
        Served::Text { body, secret, .. } => Ok((body, secret)),
        Served::File(file) => panic!("{path} is the file {file}"),
    }
}

#[test]
fn each_renders_for_the_poorest_and_the_richest_machine() {
    for (profile, with_secrets) in PROFILES {
        for (armed, rich) in [(false, false), (true, true)] {
            let (_folder, conf) = tree(profile, armed, rich);
            let answers: Vec<String> = conf.profiles[profile].answers.keys().cloned().collect();
            for answer in answers {
                let wants = with_secrets.contains(&answer.as_str());
                match serve(&conf, &format!("answers/{answer}")) {
                    Ok((body, secret)) => {
                        assert_eq!(secret, rich && wants, "{profile}/{answer}: {body}");
                        assert_eq!(body.contains(HASH), secret, "{profile}/{answer}: {body}");
                        assert!(!body.contains("{{") && !body.contains("{%"), "{profile}/{answer}: {body}");
                        if rich && (wants || answer == "authorized_keys" || answer == "keys.sh") {
                            let keys = if profile == "debian" && answer == "preseed.cfg" { &[][..] } else { &KEYS[..] };
                            assert!(keys.iter().all(|key| body.contains(key)), "{profile}/{answer}: {body}");
                        }
                        if answer.ends_with(".ign") {
                            serde_json::from_str::<serde_json::Value>(&body)
                                .unwrap_or_else(|e| panic!("{answer}: {e}: {body}"));
                        }
                    }
                    Err(Refusal::Unarmed { .. }) if wants && !rich && NEEDED.contains(&profile) => {}
                    Err(other) => panic!("{profile}/{answer}: {other}"),
                }
            }
            if profile == "cloud" {
                continue;
            }
            let (script, secret) = serve(&conf, "boot.ipxe").unwrap();
            assert!(!secret && !script.contains(HASH) && !script.contains("{%"), "{profile}: {script}");
            assert_eq!(
                script.contains("console=ttyS0,115200"),
                rich && profile != "webconverger",
                "{profile}: {script}"
            );
        }
    }
}

#[test]
fn the_kiosk_s_line_is_webconverger_s_own() {
    let line = |rich| {
        let (_folder, conf) = tree("webconverger", false, rich);
        let script = serve(&conf, "boot.ipxe").unwrap().0;
        let kernel = script.lines().find(|line| line.starts_with("kernel ")).unwrap().to_owned();
        kernel.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    let poor = line(false);
    let words = "boot=live skipconfig quiet splash noconfig noupgrade fetch=http://10.77.0.1/webconverger/webc.iso log=10.77.0.1:514";
    assert_eq!(poor[2..poor.len() - 4], words.split(' ').collect::<Vec<_>>(), "{poor:?}");
    let rich = line(true);
    for word in [
        "homepage=http://one.lan/%20http://two.lan/",
        "locale=de",
        "xkb=-layout%20de",
        "prefs=http://10.77.0.1/answers/prefs.js",
        "noblank",
    ] {
        assert!(rich.iter().any(|has| has == word), "{word}: {rich:?}");
    }
    let (_folder, conf) = tree("webconverger", false, true);
    let prefs = serve(&conf, "answers/prefs.js").unwrap().0;
    assert!(prefs.contains("\npref(\"general.useragent.override\", \"Kiosk \\\"1\\\"\");\n"), "{prefs}");
    assert!(prefs.contains("addCertFromBase64(\"AAAABBBB\", \"C,C,C\", \"\");"), "{prefs}");
}

#[test]
fn the_shipped_tree_has_no_mistakes() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let reading = conf::read(&project.join("conf"), None);
    assert!(reading.mistakes.is_empty(), "{:?}", reading.mistakes);
    for (profile, _) in PROFILES {
        assert!(reading.conf.profiles.contains_key(profile), "{profile}");
    }
    // Profiles that no machine boots are no reason to miss their files.
    let folder = tempfile::tempdir().unwrap();
    let mut check = Command::new(env!("CARGO_BIN_EXE_pxelator"));
    let output = check
        .arg("check")
        .arg("--conf")
        .arg(project.join("conf"))
        .arg("--tftpboot")
        .arg(folder.path())
        .output()
        .unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    for (profile, _) in PROFILES {
        assert!(!out.contains(&format!("boot/{profile}/")), "{profile}: {out}");
    }
}
