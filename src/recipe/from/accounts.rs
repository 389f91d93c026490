//! Users and groups of passwd(5) and group(5), and which came to be. Pure.

use crate::track::accounts::{Group as Listed, groups, users};
use std::collections::BTreeMap;

/// A line of passwd(5).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    pub name: String,
    pub uid: u32,
    /// The name of the first group; its number where it has none.
    pub group: String,
    pub comment: String,
    pub home: String,
    pub shell: String,
    /// Further groups.
    pub groups: Vec<String>,
}

/// A line of group(5).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    pub name: String,
    pub gid: u32,
    pub members: Vec<String>,
}

/// Both files.
#[derive(Clone, Debug, Default)]
pub struct Accounts {
    users: BTreeMap<String, (User, u32)>,
    groups: BTreeMap<String, Group>,
}

impl Accounts {
    /// What makes no sense is left out: it is the machine's.
    pub fn read(passwd: &str, group: &str) -> Accounts {
        let mut accounts = Accounts::default();
        for Listed { name, gid, members } in groups(group) {
            let members = members.into_iter().map(str::to_owned).collect();
            accounts.groups.insert(name.to_owned(), Group { name: name.to_owned(), gid, members });
        }
        for known in users(passwd) {
            let name = known.name;
            let groups = accounts.groups.values().filter(|group| group.members.iter().any(|member| member == name));
            let user = User {
                name: name.to_owned(),
                uid: known.uid,
                group: accounts.group(known.gid),
                comment: known.about.to_owned(),
                home: known.home.to_owned(),
                shell: known.shell.to_owned(),
                groups: groups.map(|group| group.name.clone()).collect(),
            };
            accounts.users.insert(name.to_owned(), (user, known.gid));
        }
        accounts
    }

    /// The name of a group, else its number.
    pub fn group(&self, gid: u32) -> String {
        let known = self.groups.values().find(|group| group.gid == gid).map(|group| group.name.clone());
        known.unwrap_or_else(|| if gid == 0 { "root".to_owned() } else { gid.to_string() })
    }

    /// The name of a user, else the number.
    pub fn user(&self, uid: u32) -> String {
        let known = self.users.values().find(|(user, _)| user.uid == uid).map(|(user, _)| user.name.clone());
        known.unwrap_or_else(|| if uid == 0 { "root".to_owned() } else { uid.to_string() })
    }

    /// Groups and users that are new, and users that came to groups that there were. Nothing where it was not known before.
    pub fn since(&self, before: &Accounts) -> (Vec<Group>, Vec<User>, Vec<(String, String)>) {
        if before.users.is_empty() {
            return Default::default();
        }
        let groups = self.groups.values().filter(|group| !before.groups.contains_key(&group.name)).cloned().collect();
        let is_new = |name: &str| !before.users.contains_key(name);
        let users = self.users.values().filter(|(user, _)| is_new(&user.name)).map(|(user, _)| user.clone()).collect();
        let mut members = Vec::new();
        for group in self.groups.values() {
            let had = before.groups.get(&group.name).map(|group| group.members.as_slice()).unwrap_or_default();
            let came = group
                .members
                .iter()
                .filter(|name| !had.contains(name) && !is_new(name) && self.users.contains_key(*name));
            members.extend(came.map(|name| (group.name.clone(), name.clone())));
        }
        (groups, users, members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_came() {
        let before = Accounts::read(
            "root:x:0:0:root:/root:/bin/bash\nann:x:1000:1000::/home/ann:/bin/sh\n",
            "root:x:0:\nann:x:1000:\nadm:x:4:\n",
        );
        let now = Accounts::read(
            "root:x:0:0:root:/root:/bin/bash\nann:x:1000:1000::/home/ann:/bin/sh\nweb:x:1001:1001:The web,,,:/srv/web:/bin/bash\n;reboot:x:1:1:::\n",
            "root:x:0:\nann:x:1000:\nadm:x:4:web,ann\nweb:x:1001:\n",
        );
        let (groups, users, members) = now.since(&before);
        assert_eq!(groups, [Group { name: "web".into(), gid: 1001, members: vec![] }]);
        assert_eq!(members, [("adm".to_owned(), "ann".to_owned())]);
        let [web] = &users[..] else { panic!("{users:?}") };
        assert_eq!((web.uid, web.group.as_str(), web.groups.join(" ").as_str()), (1001, "web", "adm"));
        assert_eq!((now.user(1001), now.user(7), now.group(0)), ("web".into(), "7".into(), "root".into()));
        assert_eq!(now.since(&Accounts::default()), Default::default());
    }
}
