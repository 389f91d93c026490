//! Users and groups as a machine has them: passwd(5), group(5). What makes no sense is left out: the text is the machine's. Pure.

/// A line of passwd(5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its number.
    pub uid: u32,
    /// The number of the first group.
    pub gid: u32,
    /// The comment.
    pub about: &'a str,
    /// Its home.
    pub home: &'a str,
    /// Its shell.
    pub shell: &'a str,
}

/// A line of group(5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its number.
    pub gid: u32,
    /// Who belongs to it beside.
    pub members: Vec<&'a str>,
}

/// The lines of passwd(5) that make sense.
pub fn users(text: &str) -> Vec<User<'_>> {
    let of = |line| {
        let fields: Vec<&str> = str::split(line, ':').collect();
        let &[name, _, uid, gid, about, home, shell] = fields.as_slice() else { return None };
        is_name(name).then_some(())?;
        Some(User { name, uid: uid.parse().ok()?, gid: gid.parse().ok()?, about, home, shell })
    };
    text.lines().filter_map(of).collect()
}

/// The lines of group(5) that make sense.
pub fn groups(text: &str) -> Vec<Group<'_>> {
    let of = |line| {
        let fields: Vec<&str> = str::split(line, ':').collect();
        let &[name, _, gid, members] = fields.as_slice() else { return None };
        is_name(name).then_some(())?;
        let members = members.split(',').filter(|member| is_name(member)).collect();
        Some(Group { name, gid: gid.parse().ok()?, members })
    };
    text.lines().filter_map(of).collect()
}

/// What useradd(8) could take; another would be a word of its own on a command line.
pub fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._$-".contains(c);
    !name.is_empty() && !name.starts_with('-') && name.chars().all(fits)
}

/// The name of a user or a group by its number, where the accounts have it.
pub fn name_of(text: &str, number: u32) -> Option<&str> {
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| is_name(name))?;
        (fields.nth(1)?.parse() == Ok(number)).then_some(name)
    })
}
