//! What rules and receivers may say.

use super::*;
use crate::event::Severity;
use std::{fs, os::unix::fs::PermissionsExt};

#[test]
fn all_usual_rules_can_be_read() {
    for (name, lines) in USUAL {
        assert_eq!(rule(lines, None).err(), None, "{name}");
    }
    let down = usual("down").unwrap();
    assert_eq!((down.wait, down.within), (Duration::from_secs(2), Duration::from_secs(300)));
    assert_eq!(down.severity, Severity::Crit);
    // Two lines of one word are alternatives.
    assert!(usual("boot-stalled").unwrap().clear.unwrap().contains(") or ("));
}

#[test]
fn rules() {
    let told = rule(
        "when kind=syslog.received text~\"link down\"\nclear text~\"link up\"\nfor 2m\nby tag\ncount 3\nwithin 1h\n\
         unless kind=power.requested\ndepends switch1 10.77.0.2\nseverity error\nto mail chat\ntext {{ machine }} is dark",
        None,
    )
    .unwrap();
    assert_eq!((told.wait.as_secs(), told.within.as_secs(), told.count), (120, 3600, 3));
    assert_eq!((told.depends.len(), told.to.len(), told.severity), (2, 2, Severity::Err));
    assert_eq!((told.by.as_deref(), told.text.as_deref()), (Some("tag"), Some("{{ machine }} is dark")));
    for (text, why) in [
        ("for 2m", "nowhere when"),
        ("when kind=boot.looped", "has no end"),
        ("when kind=boot.loopy\nafter 1h", "is no filter: at its character 6, expected a kind"),
        ("when\nafter 1h", "has no value"),
        ("when (\nafter 1h", "is no filter"),
        ("when kind=boot.looped\nafter soon", "is not a span"),
        ("when kind=boot.looped\nafter 1h\nafter 2h", "said twice"),
        ("when kind=boot.looped\nafter 1h\ncount 0", "no number"),
        ("when kind=boot.looped\nafter 1h\nseverity loud", "has none of emerg"),
        ("when kind=boot.looped\nafter 1h\ntext {{ machine", "is no template"),
        ("when kind=boot.looped\nafter 1h\ncolour red", "makes no sense"),
    ] {
        let error = rule(text, None).unwrap_err();
        assert!(error.contains(why), "{text}: {error}");
    }
}

#[test]
fn a_usual_rule_is_changed_in_some_lines() {
    let changed = rule("for 1m\nunless none\nto mail", usual("down")).unwrap();
    assert_eq!((changed.wait.as_secs(), changed.unless), (60, None));
    assert_eq!((changed.when, changed.to), (usual("down").unwrap().when, vec!["mail".to_owned()]));
    assert!(rule("off", None).unwrap().off);
    let mut segment = Segment::new([10, 77, 0, 1].into());
    segment.alerts.insert("down".into(), rule("off", usual("down")).unwrap());
    segment.alerts.insert("mine".into(), rule("when kind=boot.looped\nafter 1h", None).unwrap());
    let rules = segment.rules();
    assert_eq!((rules.len(), rules.contains_key("down"), rules.contains_key("mine")), (USUAL.len(), false, true));
}

#[test]
fn spans() {
    for (text, seconds) in [("0", 0), ("90", 90), ("30s", 30), ("2m", 120), ("1h 30m", 5400), ("2 days", 172_800)] {
        assert_eq!(span(text), Ok(Duration::from_secs(seconds)), "{text}");
    }
    for bad in ["", "soon", "-1h", "10000 days"] {
        assert!(span(bad).is_err(), "{bad}");
    }
}

/// Reads a segment whose receiver `to` is this, with this secret; gives whether it has it, and the mistakes.
fn entrusted(line: &str, secret: &str) -> (bool, Vec<String>) {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("10.77.0.1/receivers");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("to"), line).unwrap();
    fs::write(folder.join("to.secret"), secret).unwrap();
    fs::set_permissions(folder.join("to.secret"), fs::Permissions::from_mode(0o600)).unwrap();
    let read = crate::conf::read(dir.path(), None);
    let has = match &read.conf.segments.values().next().unwrap().receivers["to"].way {
        Way::Email { login, .. } => login.is_some(),
        Way::Webhook { secret, .. } => secret.is_some(),
        way => panic!("{way:?}"),
    };
    (has, read.mistakes.iter().map(ToString::to_string).collect())
}

#[test]
fn a_secret_goes_where_none_can_read_it() {
    for (line, is_used, instead) in [
        ("email smtps://mail.lan ann@example.net", true, ""),
        ("email smtp+starttls://mail.lan:587 ann@example.net", true, ""),
        ("email smtp://127.0.0.1:2525 ann@example.net", true, ""),
        ("email smtp://[::1] ann@example.net", true, ""),
        ("email smtp://localhost ann@example.net", true, ""),
        ("email smtp://mail.lan ann@example.net", false, "smtp+starttls://"),
        ("email smtp://10.77.0.1 ann@example.net", false, "smtp+starttls://"),
        ("email smtp://127.0.0.1.example.net ann@example.net", false, "smtp+starttls://"),
        ("webhook ntfy https://ntfy.lan/lab", true, ""),
        ("webhook slack https://hooks.slack.com/services/{secret}", true, ""),
        ("webhook slack https://{secret}.example.net/x", true, ""),
        ("webhook ntfy http://localhost:8080/lab", true, ""),
        ("webhook ntfy http://ntfy.lan/lab", false, "https://"),
        ("webhook slack http://10.77.0.1/{secret}", false, "https://"),
    ] {
        let (has, mistakes) = entrusted(line, "ann:hush");
        assert_eq!(has, is_used, "{line}");
        let told = mistakes.concat();
        assert_eq!(told.contains("receivers/to") && told.contains(instead), !is_used, "{line}: {told}");
        assert!(!told.contains("hush"), "{told}");
    }
    let (has, mistakes) = entrusted("email smtps://mail.lan ann@example.net", "hush");
    assert!(!has && mistakes.concat().contains("user:password"), "{mistakes:?}");
    assert!(!mistakes.concat().contains("hush"), "{mistakes:?}");
}

#[test]
fn who_keeps_alerts_is_told_again() {
    let every = |lines: &str| receiver(lines).unwrap().repeat.map(|every| every.as_secs());
    assert_eq!(every("webhook alertmanager http://am:9093"), Some(900));
    assert_eq!(every("webhook alertmanager http://am:9093\nrepeat 1m"), Some(60));
    assert_eq!(every("webhook json http://am:9093"), None);
}

#[test]
fn receivers() {
    let told =
        receiver("email smtp://127.0.0.1:2525 ann@example.net bob@example.net\nfrom pxe@lan\nrepeat 4h").unwrap();
    let Way::Email { server, from, to, login } = &told.way else { panic!("{told:?}") };
    assert_eq!((server.as_str(), from.as_str(), to.len()), ("smtp://127.0.0.1:2525", "pxe@lan", 2));
    assert_eq!((login, told.severity, told.repeat), (&None, Severity::Debug, Some(Duration::from_secs(14_400))));
    let told = receiver("severity warning\nwebhook slack https://hooks.slack.com/services/{secret}").unwrap();
    assert_eq!(told.severity, Severity::Warning);
    assert_eq!(told.place(), "slack https://hooks.slack.com/services/{secret}");
    assert_eq!(
        receiver("command /opt/page 'two words' \"\"").unwrap().way,
        Way::Command(vec!["/opt/page".into(), "two words".into(), String::new()])
    );
    assert_eq!(receiver("desktop").unwrap().way, Way::Desktop);
    assert_eq!(receiver("bell").unwrap().way, Way::Bell);
    for (text, why) in [
        ("", "one of: command"),
        ("repeat 4h", "one of: command"),
        ("bell loud", "makes no sense"),
        ("bell\ndesktop", "second way"),
        ("bell\nfrom a@b", "only an email"),
        ("bell\nrepeat 5s", "at least a minute"),
        ("command", "no command"),
        ("command 'x", "does not end"),
        ("email ann@example.net", "nobody to write to"),
        ("email smtp://mail nobody", "no address"),
        ("email http://mail ann@example.net", "no server"),
        ("email smtp://u:p@mail ann@example.net", "NAME.secret"),
        ("webhook https://example.net", "no form"),
        ("webhook irc https://example.net", "there are json, ntfy"),
        ("webhook json ftp://example.net", "http or https"),
        ("webhook json https://u:p@example.net", "NAME.secret"),
    ] {
        let error = receiver(text).unwrap_err();
        assert!(error.contains(why), "{text}: {error}");
    }
}
