//! The rooms of changes and of recipes: how they look, and what their keys change.

use super::story::{SERVER, Story, mac};
use crate::{
    command::Command,
    console::{
        model::Dialog,
        record::{Asked, Recipe, Record, Shelf, Whole},
        rooms::{Room, changes::Changes, recipes::Recipes},
        update::Effect,
    },
    event::{Asker, Came, Event, Fact, RecipeManner},
    track::{Commit, Status},
};
use std::{net::Ipv4Addr, sync::Arc};

fn commit(hash: &str, at: &str, host: &str, subject: &str, files: &[(Status, &str)]) -> Commit {
    Commit {
        hash: hash.repeat(10),
        time: at.parse().unwrap(),
        before: Some("2026-11-23T09:00:00Z".parse().unwrap()),
        host: host.to_owned(),
        subject: subject.to_owned(),
        cause: (host == "uefi1").then(|| "recipe nginx".to_owned()),
        files: files.iter().map(|(status, path)| (*status, (*path).to_owned())).collect(),
    }
}

fn commits() -> Vec<Commit> {
    use Status::{Added, Changed, Removed};
    vec![
        commit("c0ffee", "2026-11-24T09:20:00Z", "bios1", "etc/motd changed", &[(Changed, "etc/motd")]),
        commit(
            "5eed5e",
            "2026-11-24T08:00:00Z",
            "uefi1",
            "etc/nginx/nginx.conf added, 2 more",
            &[(Added, "etc/nginx/nginx.conf"), (Added, "etc/nginx/own"), (Removed, "etc/apache2.conf")],
        ),
        commit("deadbe", "2026-11-23T08:00:00Z", "db@uefi1", "first look: 12 files", &[(Added, "etc/my.cnf")]),
    ]
}

fn room(story: &mut Story) -> &mut Changes {
    match &mut story.model.room {
        Some(Room::Changes(room)) => room,
        other => panic!("{other:?}"),
    }
}

fn changes(story: &mut Story) {
    story.types("C");
    room(story).commits = Some(Ok(Arc::new(commits())));
}

fn recipes(story: &mut Story) -> &mut Recipes {
    match &mut story.model.room {
        Some(Room::Recipes(room)) => room,
        other => panic!("{other:?}"),
    }
}

fn known(story: &mut Story) {
    let recipe = |name: &str, title: &str, fault: Option<&str>| Recipe {
        name: name.to_owned(),
        title: title.to_owned(),
        fault: fault.map(ToOwned::to_owned),
    };
    let all = vec![
        recipe("base", "What every machine has", None),
        recipe("broken", "", Some("conf/recipes/broken.sh, line 3: no end of a function; mend it")),
        recipe("nginx", "A web server with one page", None),
    ];
    recipes(story).recipes = Some(Ok(Arc::new(all)));
}

/// The record of a machine as it is told.
fn tracked(story: &mut Story) {
    let container = || None;
    let (commit, subject) = ("c0ffee".repeat(7), "etc/motd changed".to_owned());
    story.tell(
        0,
        Some(60),
        Fact::TrackChanged {
            container: None,
            commit,
            subject,
            added: 0,
            changed: 1,
            removed: 0,
            cause: Some("recipe nginx".to_owned()),
            millis: 90,
        },
    );
    story.tell(60_000, Some(60), Fact::TrackLooked { container: container(), files: 512, millis: 40 });
    let (memory, disk) = (8 << 30, 100 << 30);
    let measured = Fact::TrackMeasured {
        container: None,
        cpus: 4,
        load: 10,
        memory,
        memory_used: memory / 4,
        disk,
        disk_used: disk / 2,
    };
    story.tell(0, Some(60), measured);
    let (doing, error) =
        ("pulling its files".to_owned(), "its ssh host key is another than the one that is trusted".to_owned());
    let next_step = "if it was made anew: pxelator track trust uefi1".to_owned();
    story.tell(0, Some(61), Fact::TrackFailed { container: None, doing, error, next_step });
}

fn ran(story: &mut Story, machine: u8, end: Option<Came>) {
    let (recipe, container, manner) = ("nginx".to_owned(), None, RecipeManner::Apply);
    let by = Asker::Operator;
    story.tell(0, Some(machine), Fact::RecipeBegun { recipe, container, manner, by });
    for (text, error) in [("Reading package lists...", false), ("W: no candidate for nginx-full", true)] {
        let (recipe, text) = ("nginx".to_owned(), text.to_owned());
        story.tell(20, Some(machine), Fact::RecipeSaid { recipe, container: None, text, error });
    }
    if let Some(came) = end {
        let fact = Fact::RecipeEnded {
            recipe: "nginx".to_owned(),
            container: None,
            manner,
            came,
            digest: "d".to_owned(),
            changed: vec!["etc/nginx/nginx.conf".to_owned()],
            commit: None,
            millis: 1_200,
        };
        story.tell(900, Some(machine), fact);
    }
}

#[test]
fn what_changed_is_listed_and_shown() {
    let mut story = Story::of_three();
    story.types("C");
    insta::assert_snapshot!("changes_before_any", story.screen(80, 24));
    changes(&mut story);
    insta::assert_snapshot!("changes", story.screen(80, 24));
    story.types("<down>");
    insta::assert_snapshot!("changes_at_140x45", story.screen(140, 45));
    story.types("?");
    insta::assert_snapshot!("help_of_changes", story.screen(80, 24));
    story.types("<esc><enter>");
    let open = room(&mut story).open.as_mut().unwrap();
    assert_eq!(open.commit.host, "uefi1");
    let events = story.state.segments[&SERVER].events.iter().take(3).cloned().collect();
    let diff =
        ["diff --git a/etc/motd b/etc/motd", "--- a/etc/motd", "+++ b/etc/motd", "@@ -1 +1 @@", "-hello", "+hello you"];
    let diff = diff.map(ToOwned::to_owned).to_vec();
    let room = room(&mut story);
    room.open.as_mut().unwrap().whole = Some(Ok(Arc::new(Whole { diff, events })));
    insta::assert_snapshot!("change", story.screen(80, 24));
    insta::assert_snapshot!("change_at_140x45", story.screen(140, 45));
    story.abilities.colours = false;
    let plain = story.screen(140, 45);
    assert!(plain.contains(" -hello") && plain.contains(" +hello you"), "{plain}");
    story.types("<esc><esc>");
    assert_eq!(story.model.room, None);
}

#[test]
fn lines_are_filtered_and_chosen() {
    let mut story = Story::of_three();
    changes(&mut story);
    story.types("/APACHE<enter>");
    assert_eq!(room(&mut story).lines().len(), 1, "files are looked through");
    assert_eq!(story.types("u").len(), 0, "nothing is looked at: no machine was ever");
    story.types("<esc>");
    assert_eq!(room(&mut story).lines().len(), 3);
    story.types("<down><down>m");
    assert_eq!(room(&mut story).host.as_deref(), Some("db@uefi1"));
    let pull = Effect::Send(Command::Pull { machines: vec![(SERVER, Ipv4Addr::new(10, 77, 0, 61))], cause: None });
    assert_eq!(story.types("u"), [pull], "a container is looked at with its machine");
    story.types("a");
    assert_eq!(room(&mut story).host, None);
    story.types("<esc>");
    tracked(&mut story);
    story.types("<enter>C");
    assert_eq!(room(&mut story).host.as_deref(), Some("bios1"), "from a page its machine's");
}

#[test]
fn a_page_and_troubles_tell_of_the_record() {
    let mut story = Story::of_three();
    tracked(&mut story);
    ran(&mut story, 60, Some(Came::Applied));
    story.types("<enter>");
    insta::assert_snapshot!("page_of_a_tracked_machine", story.screen(140, 45));
    story.types("<esc>!");
    let screen = story.screen(140, 45);
    assert!(screen.contains("uefi1: pulling its files: its ssh host key is another"), "{screen}");
    story.types("<esc>");
    story.tell(0, Some(61), Fact::TrackLooked { container: None, files: 1, millis: 1 });
    story.types("!");
    assert!(!story.screen(140, 45).contains("pulling its files"), "the next good look ends it");
}

#[test]
fn recipes_are_listed_and_applied_after_a_question() {
    let mut story = Story::of_three();
    story.types("R");
    insta::assert_snapshot!("recipes_before_any", story.screen(80, 24));
    known(&mut story);
    insta::assert_snapshot!("recipes", story.screen(80, 24));
    story.types("?");
    insta::assert_snapshot!("help_of_recipes", story.screen(80, 24));
    story.types("<esc><end><enter>");
    assert!(matches!(story.model.dialog, Some(Dialog::Recipe { .. })));
    insta::assert_snapshot!("recipe_asked", story.screen(80, 24));
    let machines = vec![(SERVER, Ipv4Addr::new(10, 77, 0, 60))];
    let carried = |manner| {
        let (machines, recipe) = (machines.clone(), "nginx".to_owned());
        Effect::Send(Command::Recipe { machines, container: None, recipe, manner, by: Asker::Operator })
    };
    assert_eq!(story.types("y"), [carried(RecipeManner::Apply)]);
    assert_eq!(story.types("<enter>n").len(), 0, "anything else leaves it");
    assert_eq!(story.types("d"), [carried(RecipeManner::DryRun)]);
    assert_eq!(story.types("v"), [carried(RecipeManner::Check)]);
    ran(&mut story, 60, None);
    insta::assert_snapshot!("recipe_runs", story.screen(80, 24));
    ran(&mut story, 60, Some(Came::Applied));
    insta::assert_snapshot!("recipe_ended_at_140x45", story.screen(140, 45));
    story.types("<up>");
    assert_eq!(story.types("<enter>").len(), 0);
    assert!(story.model.word.as_ref().unwrap().contains("line 3"), "a broken one is not applied");
    story.types("<esc>");
    assert_eq!(story.model.room, None);
}

#[test]
fn recipes_of_marked_machines() {
    let mut story = Story::of_three();
    story.types("  R");
    known(&mut story);
    assert_eq!(recipes(&mut story).whom, [(SERVER, mac(60)), (SERVER, mac(61))]);
    ran(&mut story, 60, Some(Came::Applied));
    let (recipe, error) = ("nginx".to_owned(), "there is no apt-get".to_owned());
    let (container, manner, next_step) = (None, RecipeManner::Apply, "see what it needs".to_owned());
    story.tell(5, Some(61), Fact::RecipeFailed { recipe, container, manner, error, next_step });
    story.types("<end>");
    insta::assert_snapshot!("recipe_on_two", story.screen(80, 24));
}

#[test]
fn nothing_is_changed_where_that_is_locked() {
    let mut story = Story::of_three();
    story.model.read_only = true;
    story.types("R");
    known(&mut story);
    for keys in ["<enter>", "d", "v", "<enter>y"] {
        assert_eq!(story.types(keys), [], "{keys}");
        assert_eq!(story.model.dialog, None, "{keys}");
    }
    story.types("<esc>:apply nginx bios1<enter>");
    assert_eq!(story.model.dialog, None);
    // What is so may be written down.
    tracked(&mut story);
    changes(&mut story);
    assert!(matches!(story.types("u")[..], [Effect::Send(Command::Pull { .. })]));
}

#[test]
fn orders_in_words() {
    let mut story = Story::of_three();
    story.types(":apply nginx to bios1 uefi1<enter>");
    assert!(
        matches!(&story.model.dialog, Some(Dialog::Recipe { whom, recipe }) if whom.len() == 2 && recipe == "nginx")
    );
    assert!(matches!(story.types("y")[..], [Effect::Send(Command::Recipe { .. })]));
    story.types("<esc>:changes uefi1 nginx<enter>");
    let shown = room(&mut story);
    assert_eq!((shown.host.as_deref(), shown.filter.text.as_str()), (Some("uefi1"), "nginx"));
    story.types("<esc><esc>");
    let pulled = story.types(":pull bios1<enter>");
    assert!(matches!(&pulled[..], [Effect::Send(Command::Pull { machines, .. })] if machines.len() == 1), "{pulled:?}");
}

#[test]
fn the_same_in_lines_of_words() {
    use crate::console::plain::talk::Talk;
    let mut story = Story::of_three();
    let mut talk = Talk::new(None, false);
    let mut say = |story: &Story, line: &str| talk.line(story.world(), line);
    assert_eq!(say(&story, "changes").0, ["no change is remembered; pxelator changes has all that are kept"]);
    tracked(&mut story);
    ran(&mut story, 60, Some(Came::Applied));
    let told = say(&story, "changes bios1").0;
    assert!(told.len() == 1 && told[0].contains("bios1: etc/motd changed (c0ffeec0ff), by recipe nginx"), "{told:?}");
    assert!(say(&story, "changes uefi1").0[0].contains("no change"));
    let told = say(&story, "recipes").0;
    assert!(told.len() == 1 && told[0].starts_with("bios1: nginx: applied at "), "{told:?}");
    let (asked, effect) = say(&story, "apply nginx bios1 uefi1");
    assert_eq!(
        (asked, effect),
        (vec!["Apply nginx to bios1, uefi1? y does it, anything else leaves it.".to_owned()], Effect::None)
    );
    let (_, effect) = say(&story, "y");
    assert!(matches!(effect, Effect::Send(Command::Recipe { manner: RecipeManner::Apply, .. })), "{effect:?}");
    let (_, effect) = say(&story, "check nginx on bios1");
    assert!(matches!(effect, Effect::Send(Command::Recipe { manner: RecipeManner::Check, .. })), "{effect:?}");
}

#[test]
fn rooms_of_the_record_can_be_drawn_at_every_size() {
    let mut story = Story::of_three();
    tracked(&mut story);
    for keys in ["", "<enter>", "/x"] {
        changes(&mut story);
        story.types(keys);
        if let Some(open) = &mut room(&mut story).open {
            let events = vec![Arc::new(Event::new(None, Fact::ProgramStopped { reason: String::new() }))];
            open.whole = Some(Ok(Arc::new(Whole { diff: vec!["+".repeat(300); 90], events })));
        }
        story.types("<end>");
        draw(&mut story);
        story.types("<esc><esc><esc>");
    }
    ran(&mut story, 60, None);
    story.types("R");
    known(&mut story);
    story.types("<end>");
    draw(&mut story);
}

fn draw(story: &mut Story) {
    for (width, height) in (1..40).map(|height| (80, height)).chain((1..130).map(|width| (width, 24))) {
        story.screen(width, height);
    }
}

fn look(story: &mut Story, record: &Record) {
    let state = story.state.clone();
    room(story).look(record, &state);
}

#[test]
fn what_is_answered_is_taken_over() {
    let (mut record, asked, shelf) = Record::new();
    let mut story = Story::of_three();
    story.types("C");
    look(&mut story, &record);
    assert_eq!(asked.try_recv(), Ok(Asked::Log(None)));
    let answer = |shelf: &tokio::sync::watch::Sender<Arc<Shelf>>, commits| {
        shelf.send_modify(|shelf| Arc::make_mut(shelf).log = Some((None, Ok(Arc::new(commits)))));
    };
    answer(&shelf, commits()[1..].to_vec());
    assert!(record.is_new() && !record.is_new());
    story.types("<down>");
    look(&mut story, &record);
    story.types("<down>");
    // Another commit comes; the same stays chosen.
    tracked(&mut story);
    look(&mut story, &record);
    assert_eq!(asked.try_recv(), Ok(Asked::Log(None)));
    answer(&shelf, commits());
    look(&mut story, &record);
    assert_eq!(room(&mut story).selected(), 2);
    story.types("<enter>");
    look(&mut story, &record);
    let place = (SERVER, Ipv4Addr::new(10, 77, 0, 61));
    assert_eq!(asked.try_recv(), Ok(Asked::Commit(commits()[2].clone(), Some(place))));
    assert!(asked.try_recv().is_err(), "once each");
}
