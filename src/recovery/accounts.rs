//! Users and groups that a machine has otherwise than it had, and the commands that make them. Pure; passwd(5), group(5).

use super::known::Accounts;
use crate::{
    sh::quoted,
    track::accounts::{Group, User, groups, name_of, users},
};
use std::collections::BTreeSet;

/// What was done to users and groups, each with its words for a reader and its commands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// `user deploy (1500) of group deploy, at /home/deploy, shell /bin/sh`.
    pub words: Vec<String>,
    /// Lines of sh.
    pub commands: Vec<String>,
    /// Users that were added and can have a password: it is not on the page.
    pub people: Vec<String>,
}

/// Below this number accounts are of the system: no files are made for them beside their own.
const PEOPLE: u32 = 1000;

/// What was done to them. `homes` are folders (no leading `/`) of the record: a home among them is made as it was; `made` says
/// whether one that is not in it is to be made.
pub fn told(accounts: &Accounts, homes: &BTreeSet<Vec<u8>>, made: impl Fn(&str) -> bool) -> Told {
    let (before, now) = (users(&accounts.passwd.0), users(&accounts.passwd.1));
    let (groups_before, groups_now) = (groups(&accounts.group.0), groups(&accounts.group.1));
    let mut told = Told::default();
    if now.is_empty() || groups_now.is_empty() {
        return told;
    }
    let was_group = |name: &str| groups_before.iter().find(|group| group.name == name);
    for group in groups_now.iter().filter(|group| was_group(group.name).is_none()) {
        let Group { name, gid, .. } = group;
        told.words.push(format!("group {name} ({gid})"));
        told.commands.push(format!("getent group {name} >/dev/null || groupadd --gid {gid} {name}"));
    }
    for user in &now {
        let was = before.iter().find(|was| was.name == user.name);
        match was {
            None => add(&mut told, user, &accounts.group.1, homes, &made),
            Some(was) if was != user => change(&mut told, was, user),
            Some(_) => {}
        }
    }
    for group in &groups_now {
        let was = was_group(group.name);
        let had = |member: &&&str| was.is_some_and(|was| was.members.contains(*member));
        for member in group.members.iter().filter(|member| !had(member)) {
            told.words.push(format!("{member} is in group {}", group.name));
            told.commands.push(format!("usermod --append --groups {} {member}", group.name));
        }
        for member in was.iter().flat_map(|was| &was.members).filter(|member| !group.members.contains(member)) {
            if now.iter().any(|user| user.name == *member) {
                told.words.push(format!("{member} is no longer in group {}", group.name));
                told.commands.push(format!("gpasswd --delete {member} {}", group.name));
            }
        }
        if let Some(was) = was.filter(|was| was.gid != group.gid) {
            told.words.push(format!("group {} has the number {}, it was {}", group.name, group.gid, was.gid));
            told.commands.push(format!("groupmod --gid {} {}", group.gid, group.name));
        }
    }
    for was in before.iter().filter(|was| now.iter().all(|user| user.name != was.name)) {
        told.words.push(format!("user {} is gone", was.name));
        told.commands.push(format!("! getent passwd {0} >/dev/null || userdel {0}", was.name));
    }
    for was in groups_before.iter().filter(|was| groups_now.iter().all(|group| group.name != was.name)) {
        told.words.push(format!("group {} is gone", was.name));
        // A user's own group goes with it.
        told.commands.push(format!("! getent group {0} >/dev/null || groupdel {0}", was.name));
    }
    told
}

fn add(told: &mut Told, user: &User<'_>, groups: &str, homes: &BTreeSet<Vec<u8>>, made: impl Fn(&str) -> bool) {
    let User { name, uid, gid, about, home, shell } = *user;
    let group = name_of(groups, gid).map_or_else(|| gid.to_string(), ToOwned::to_owned);
    told.words.push(format!("user {name} ({uid}) of group {group}, home {home}, shell {shell}"));
    let is_kept = homes.contains(home.trim_start_matches('/').as_bytes());
    let home_option = if !is_kept && uid >= PEOPLE && made(home) { "--create-home" } else { "--no-create-home" };
    // A number of the system gets no range of numbers for containers.
    let system = if uid < PEOPLE { " --system" } else { "" };
    let comment = if about.is_empty() { String::new() } else { format!(" --comment {}", quoted(about)) };
    told.commands.push(format!(
        "getent passwd {name} >/dev/null || useradd{system} --uid {uid} --gid {group} --home-dir {}{comment} \
         {home_option} --shell {} {name}",
        quoted(home),
        quoted(shell)
    ));
    if !shell.ends_with("/nologin") && !shell.ends_with("/false") {
        told.people.push(name.to_owned());
    }
}

fn change(told: &mut Told, was: &User<'_>, user: &User<'_>) {
    let mut options = Vec::new();
    let mut words = Vec::new();
    let mut say = |what: &str, option: &str, before: &str, now: &str| {
        if before != now {
            options.push(format!("{option} {}", quoted(now)));
            words.push(format!("{what} {now}, it was {before}"));
        }
    };
    say("number", "--uid", &was.uid.to_string(), &user.uid.to_string());
    say("group", "--gid", &was.gid.to_string(), &user.gid.to_string());
    say("comment", "--comment", was.about, user.about);
    say("home", "--home", was.home, user.home);
    say("shell", "--shell", was.shell, user.shell);
    if !options.is_empty() {
        told.words.push(format!("user {}: {}", user.name, words.join("; ")));
        told.commands.push(format!("usermod {} {}", options.join(" "), user.name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\nold:x:1001:1001::/home/old:/bin/sh\n";
    const GROUP: &str = "root:x:0:\nadm:x:4:\nold:x:1001:\n";

    #[test]
    fn what_was_done_to_users_and_groups() {
        let accounts = Accounts {
            passwd: (
                PASSWD.to_owned(),
                "root:x:0:0:root:/root:/bin/zsh\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n\
                 deploy:x:1500:1500:Who's it:/srv/deploy:/bin/sh\n_x:x:90:90::/nonexistent:/usr/sbin/nologin\n"
                    .to_owned(),
            ),
            group: (GROUP.to_owned(), "root:x:0:\nadm:x:4:deploy\ndeploy:x:1500:\n_x:x:90:\n".to_owned()),
        };
        let told = told(&accounts, &BTreeSet::from([b"srv/deploy".to_vec()]), |_| true);
        assert_eq!(told.people, ["deploy"]);
        assert_eq!(
            told.commands,
            [
                "getent group deploy >/dev/null || groupadd --gid 1500 deploy",
                "getent group _x >/dev/null || groupadd --gid 90 _x",
                "usermod --shell /bin/zsh root",
                "getent passwd deploy >/dev/null || useradd --uid 1500 --gid deploy --home-dir /srv/deploy \
                 --comment 'Who'\\''s it' --no-create-home --shell /bin/sh deploy",
                "getent passwd _x >/dev/null || useradd --system --uid 90 --gid _x --home-dir /nonexistent \
                 --no-create-home --shell /usr/sbin/nologin _x",
                "usermod --append --groups adm deploy",
                "! getent passwd old >/dev/null || userdel old",
                "! getent group old >/dev/null || groupdel old",
            ]
        );
    }

    #[test]
    fn no_name_becomes_a_command() {
        let accounts = Accounts {
            passwd: (
                PASSWD.to_owned(),
                format!("{PASSWD}x;reboot:x:1:1::/:/bin/sh\n-r:x:1:1::/:/bin/sh\n$(id):x:2:2::/:/x\n"),
            ),
            group: (GROUP.to_owned(), format!("{GROUP}a b:x:7:root\n")),
        };
        assert_eq!(told(&accounts, &BTreeSet::new(), |_| true), Told::default());
        assert_eq!(told(&Accounts::default(), &BTreeSet::new(), |_| true), Told::default(), "nothing is known");
        assert_eq!((name_of(GROUP, 4), name_of(GROUP, 5)), (Some("adm"), None));
    }
}
