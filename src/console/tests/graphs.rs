//! The room of graphs: how it looks, and what its keys change.

use super::story::Story;
use crate::{
    console::{
        curves::{Answered, Asked, Curves},
        rooms::{Room, graphs::Graphs},
    },
    sample::Of,
    trend::{Line, Series, Trends},
};
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

fn room(story: &mut Story) -> &mut Graphs {
    match &mut story.model.room {
        Some(Room::Graphs(room)) => room,
        other => panic!("{other:?}"),
    }
}

/// An hour of pings with a hole in it.
fn answered(of: Of) -> Answered {
    let from: Timestamp = "2026-11-24T08:20:10Z".parse().unwrap();
    let is_down = |at: usize| (200..240).contains(&at);
    let line = |name: &str, unit: &str, value: fn(usize) -> f64, down: Option<f64>| Line {
        name: name.to_owned(),
        unit: unit.to_owned(),
        values: (0..360).map(|at| if is_down(at) { down } else { Some(value(at)) }).collect(),
    };
    let lines =
        vec![line("rtt", "ms", |at| 2.0 + (at % 90) as f64 / 30.0, None), line("loss", "ratio", |_| 0.0, Some(1.0))];
    let step = SignedDuration::from_secs(10);
    let series = Series { family: "ping".into(), from, step, lines };
    let to = from.saturating_add(SignedDuration::from_hours(1)).unwrap();
    let asked = Asked { of, family: None, from, to, points: 400 };
    let families = ["boot", "ping", "power", "syslog"].map(str::to_owned).to_vec();
    Answered { asked, families, series: Some(Ok(series)) }
}

fn graphs(story: &mut Story) {
    if story.model.room.is_none() {
        story.types("H");
    }
    let room = room(story);
    let answered = answered(room.all[room.at].0);
    room.families.clone_from(&answered.families);
    room.family = Some("ping".into());
    room.answered = Some(Arc::new(answered));
}

#[test]
fn the_room() {
    let mut story = Story::of_three();
    story.types("H");
    insta::assert_snapshot!("graphs_before_any", story.screen(80, 24));
    graphs(&mut story);
    insta::assert_snapshot!("graphs", story.screen(80, 24));
    insta::assert_snapshot!("graphs_at_140x45", story.screen(140, 45));
    story.types("?");
    insta::assert_snapshot!("help_of_graphs", story.screen(80, 24));
}

#[test]
fn its_keys() {
    let mut story = Story::of_three();
    graphs(&mut story);
    let hours = |story: &mut Story| room(story).span().as_secs_f64() / 3600.0;
    assert_eq!(hours(&mut story), 1.0);
    story.types("--");
    assert_eq!(hours(&mut story), 6.0);
    story.types("+=++++++");
    assert_eq!(hours(&mut story), 1.0 / 6.0);
    story.types("---");
    let now = story.model.now;
    story.types("h");
    let until = room(&mut story).until.unwrap();
    assert_eq!(now.duration_since(until), room(&mut story).span() / 2);
    story.types("l");
    assert_eq!(room(&mut story).until, None, "what is to come cannot be seen");
    story.types("h0");
    assert_eq!(room(&mut story).until, None);

    let names: Vec<String> = room(&mut story).all.iter().map(|(_, name)| name.clone()).collect();
    assert_eq!(names.first().map(String::as_str), Some("segment 10.77.0.1"));
    assert_eq!(names.last().map(String::as_str), Some("pxelator"));
    assert_eq!(names.len(), 5, "the segment, its machines, the program: {names:?}");
    story.types("j");
    assert_eq!(room(&mut story).family.as_deref(), Some("power"));
    story.types("kkkk");
    assert_eq!(room(&mut story).family.as_deref(), Some("boot"));
    story.types("G");
    assert_eq!(room(&mut story).family.as_deref(), Some("syslog"));
}

#[test]
fn what_is_read_on_a_thread_is_shown() {
    let mut story = Story::of_three();
    let folder = tempfile::tempdir().unwrap();
    let trends = Trends::new(folder.path().into());
    let mut curves = Curves::new(trends);
    story.types("H");
    let now = story.model.now;
    room(&mut story).look(&curves, now);
    while !curves.is_new() {
        std::thread::yield_now();
    }
    room(&mut story).look(&curves, now);
    let shown = story.screen(80, 24);
    assert!(shown.contains("Nothing is measured of"), "{shown}");
}
