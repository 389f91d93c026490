//! Heads and bodies of recipes as they are written, and what is said of those that make no sense.

use super::*;

fn read(text: &str) -> Recipe {
    parse("web", text).unwrap_or_else(|faults| panic!("{text}: {faults:?}"))
}

#[test]
fn a_head() {
    let recipe = read(
        "#!/bin/bash\n# title: A web server\n# about: nginx.\n# With one page.\n#   Indented.\n#\n# Another paragraph: here.\n\
         # needs: apt-get, recipe:base\n#   curl\n# files: /etc/motd 0644 root:adm\n#   /srv/a\\040b 2750 33:33\n#   /etc/x\n\
         # variables: PORT=80\n# variables: NAME=a b\n# limit: 90s\n\n# A comment.\ncheck() { true; }\n\nfunction apply {\n  put_files\n}\n",
    );
    assert_eq!((recipe.title.as_str(), recipe.shell), ("A web server", "bash"));
    assert_eq!(recipe.about, "nginx.\nWith one page.\nIndented.\n\nAnother paragraph: here.");
    assert_eq!((recipe.commands, recipe.recipes), (vec!["apt-get".into(), "curl".into()], vec!["base".into()]));
    let files: Vec<_> = recipe.files.iter().map(|f| (f.path.as_slice(), f.mode, f.owners.as_str(), f.line)).collect();
    assert_eq!(
        files,
        [
            (&b"etc/motd"[..], Some(0o644), "root:adm", 10),
            (b"srv/a b", Some(0o2750), "33:33", 11),
            (b"etc/x", None, "root:root", 12)
        ]
    );
    assert_eq!(recipe.variables, [("PORT".into(), "80".into()), ("NAME".into(), "a b".into())]);
    assert_eq!((recipe.limit.as_secs(), recipe.is_whole, recipe.puts_itself), (90, false, true));
    assert_eq!(recipe.functions, ["check", "apply"]);
}

#[test]
fn bodies() {
    for (text, functions, is_whole) in [
        ("apt-get install -y nginx\nsystemctl enable nginx\n", &["apply"][..], true),
        ("# title: x\n\nrestart() { true; }\nrestart\n", &["apply"], true),
        ("check ()\n{\n true\n}\nverify(){ true; }\nrestart() { true; }\n", &["check", "verify"], false),
        ("cat > /x << 'END'\napply() {\nEND\necho $((1 << 3))\n", &["apply"], true),
        ("cat > /x <<-END\n\tcheck() {\n\tEND\napply() {\n:\n}\n", &["apply"], false),
        ("cat <<< word\ncheck() { :; }\n", &["check"], false),
        ("  check() { :; }\n", &["apply"], true),
        ("# files: /etc/motd\n", &[], false),
    ] {
        let recipe = read(text);
        assert_eq!((&recipe.functions[..], recipe.is_whole), (functions, is_whole), "{text}");
    }
}

#[test]
fn what_makes_no_sense() {
    for (text, told) in [
        ("", "line 1: it does nothing: commands, the functions check, apply and verify, or `files` were expected"),
        ("# title: x\n", "line 1: it does nothing"),
        (
            "#!/usr/bin/python3\nprint()\n",
            "line 1: a recipe is shell: #!/bin/sh or #!/bin/bash was expected, not \"python3\"",
        ),
        (
            "# titel: x\ntrue\n",
            "line 1: a head has no field titel: title, about, needs, files, variables, limit were expected; title is one",
        ),
        (
            "# files: etc/motd\ntrue\n",
            "line 1: /PATH [MODE] [USER[:GROUP]] was expected: \"etc/motd\" does not begin with /",
        ),
        ("# files: /etc/../x\ntrue\n", "is no plain path"),
        ("# files: /etc/motd 0999\ntrue\n", "\"0999\" is no mode as 0644"),
        ("# files: /etc/motd 0644 root:root x\ntrue\n", "\"x\" is one word too many"),
        ("# files: /etc/motd root;id\ntrue\n", "is no owner"),
        ("# needs: recipe:../x\ntrue\n", "commands, or recipe:NAME, were expected, not \"recipe:../x\""),
        ("# needs: $(reboot)\ntrue\n", "commands, or recipe:NAME"),
        ("# variables: port\ntrue\n", "NAME=value was expected, not \"port\""),
        ("# limit: soon\ntrue\n", "a time as 90s"),
        (
            "true\nchek() {\n:\n}\n",
            "line 2: the function chek means nothing here: check, apply and verify do; check is one",
        ),
        ("check() { :; }\ncheck() { :; }\n", "line 2: check is there twice"),
    ] {
        let faults = parse("web", text).unwrap_err();
        let all: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert!(all.join("\n").contains(told), "{text}: {all:?}");
    }
}
