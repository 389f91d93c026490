//! What the tests of the audit stand on: a real database server, and a proxy whose every fault a plain request sees.

use crate::support::{Couch, Fault, Proxy, Segment, can_run, couch::POUCHDB};
use reqwest::blocking::{Client, Response};
use serde_json::json;
use std::{
    io::{BufRead, BufReader},
    process::Stdio,
    time::{Duration, Instant},
};

fn client() -> Client {
    Client::builder().no_proxy().timeout(Duration::from_millis(1500)).build().unwrap()
}

#[test]
fn a_database_outlives_its_server() {
    if !can_run(&[POUCHDB]) {
        return;
    }
    for mut couch in Couch::all() {
        couch.create_database();
        let docs: Vec<_> = (0..2500).map(|n| json!({ "_id": format!("{n:05}~a:b c"), "n": n })).collect();
        let (status, _) = couch.post("_bulk_docs", &json!({ "docs": docs }));
        assert_eq!((status, couch.count()), (201, Some(2500)), "{}", couch.name);
        assert_eq!(couch.put("_design/d", &json!({ "views": {} })).0, 201, "{}", couch.name);
        let whole = couch.all_docs();
        assert_eq!(whole.len(), 2500, "{}", couch.name);
        assert!(whole.values().zip(0..).all(|(doc, n)| doc["n"] == n), "{}", couch.name);
        if couch.name == POUCHDB {
            couch.kill();
            couch.restart();
            assert_eq!(couch.all_docs(), whole);
        }
        couch.delete_database();
        assert_eq!(couch.count(), None, "{}", couch.name);
    }
}

#[test]
fn each_fault_is_seen() {
    if !can_run(&[POUCHDB]) {
        return;
    }
    let couch = Couch::start();
    couch.create_database();
    couch.put("doc", &json!({ "text": "x".repeat(5000) }));
    let proxy = Proxy::start(couch.address(), None);
    let client = client();
    let url = couch.url_at(proxy.address());
    let get =
        || client.get(format!("{url}/doc")).header("accept-encoding", "identity").send().and_then(Response::bytes);
    let whole = get().unwrap();
    assert!(whole.len() > 5000);

    proxy.set(Fault::Refuse);
    let error = get().unwrap_err();
    assert!(error.is_connect(), "{error:?}");

    proxy.set(Fault::Hang);
    assert!(get().unwrap_err().is_timeout());
    proxy.wait_until_met(1);

    proxy.set(Fault::Delay(Duration::from_millis(300)));
    let began = Instant::now();
    assert_eq!(get().unwrap(), whole);
    assert!(began.elapsed() >= Duration::from_millis(300));

    proxy.set(Fault::CutReply);
    let error = get().unwrap_err();
    assert!(error.is_body() || error.is_decode() || error.is_request(), "{error:?}");

    proxy.set(Fault::CorruptReply);
    let corrupt = get().unwrap();
    assert_eq!(corrupt.len(), whole.len());
    assert!(serde_json::from_slice::<serde_json::Value>(&corrupt).is_err());

    proxy.set(Fault::CutRequest);
    let cut = client.post(&url).json(&json!({ "_id": "cut", "text": "x".repeat(5000) })).send();
    assert!(cut.is_err(), "{cut:?}");

    for status in [401, 409, 413, 500, 503] {
        proxy.set(Fault::Status(status));
        let answer = client.get(&url).send().unwrap();
        assert_eq!(answer.status().as_u16(), status);
        assert!(answer.json::<serde_json::Value>().unwrap()["error"].is_string());
    }

    proxy.set(Fault::TooLarge(1000));
    let post = |length: usize| client.post(&url).json(&json!({ "text": "x".repeat(length) })).send().unwrap().status();
    assert_eq!((post(2000).as_u16(), post(500).as_u16()), (413, 201));

    proxy.set_on("/doc", Fault::Html);
    assert!(get().unwrap().starts_with(b"<html>"));
    assert_eq!(client.get(&url).send().unwrap().json::<serde_json::Value>().unwrap()["doc_count"], 2);

    proxy.heal();
    assert_eq!(get().unwrap(), whole);
    assert_eq!(couch.count(), Some(2), "what was cut is not there");
    assert_eq!(proxy.count("POST", "/audit"), 3);
    assert!(proxy.requests().len() > 10, "{:?}", proxy.requests());
}

#[test]
fn a_program_in_a_namespace_reaches_a_database_outside() {
    if !can_run(&[POUCHDB, "curl"]) {
        return;
    }
    let segment = Segment::new("couch");
    for mut couch in Couch::all() {
        couch.create_database();
        let proxy = Proxy::start(couch.address(), Some(&segment));
        let (url, login) = (couch.url_at(proxy.address()), couch.login());
        let curl = |path: &str| {
            let mut curl = segment.command("curl");
            curl.args(["-sSN", "--noproxy", "*", "-m", "20", &format!("{url}{path}")]);
            curl.args(login.iter().flat_map(|login| ["-u", login.as_str()]));
            curl
        };
        let ask = |path: &str| {
            let output = curl(path).output().unwrap();
            (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
        };
        let (code, says) = ask("");
        assert!(code == Some(0) && says.contains("\"doc_count\":0"), "{}: {says}", couch.name);
        // A feed that stays open comes through while it is open.
        let mut feed = curl("/_changes?feed=continuous&heartbeat=1000").stdout(Stdio::piped()).spawn().unwrap();
        couch.put("news", &json!({}));
        let mut lines = BufReader::new(feed.stdout.take().unwrap()).lines().map_while(Result::ok);
        assert!(lines.any(|line| line.contains("\"id\":\"news\"")), "{}", couch.name);
        feed.kill().and_then(|()| feed.wait()).unwrap();
        proxy.set(Fault::Refuse);
        let (refused, _) = ask("");
        assert_eq!(refused, Some(7), "{}", couch.name);
        proxy.heal();
        if couch.name == POUCHDB {
            couch.kill();
            let (gone, _) = ask("");
            assert_eq!(gone, Some(52), "an empty reply");
            couch.restart();
        }
        assert_eq!(proxy.count("GET", &couch.url_at("")[7..]), if couch.name == POUCHDB { 2 } else { 1 });
    }
}
