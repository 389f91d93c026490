use crate::{
    boot::{Standing, TokenKey},
    event::{Architecture, Event, Fact, MachineSummary, Role, Service, Step, Transfer},
    net::Mac,
    state::{Machine, State},
};
use jiff::Timestamp;
use std::{net::Ipv4Addr, sync::Arc};

const MAC: Mac = Mac([0x52, 0x54, 0, 0x77, 0, 0x60]);
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 60);

#[derive(Default)]
struct Story {
    state: State,
    second: i64,
}

impl Story {
    fn begin() -> Story {
        let mut story = Story::default();
        story.load(None);
        story
    }

    fn tell(&mut self, fact: Fact) {
        self.second += 1;
        let time = Timestamp::from_second(1_800_000_000 + self.second).unwrap();
        let event = Event { time, ..Event::new(Some(SERVER), fact) };
        let mac = (event.kind() != "conf.loaded").then_some(MAC);
        self.state.apply(&Arc::new(event.about(Some(ADDRESS), mac)));
    }

    /// Conf is read: the machine is armed with this.
    fn load(&mut self, armed: Option<&str>) {
        let machine = MachineSummary {
            address: ADDRESS,
            mac: MAC,
            hostname: "web1".into(),
            boot: Some("kiosk".into()),
            armed: armed.map(str::to_owned),
            last: None,
            firmware: None,
            power: None,
        };
        let (domain, mode) = ("lan".to_owned(), "authoritative".to_owned());
        self.tell(Fact::ConfLoaded { domain, mode, pool: None, machines: vec![machine] });
    }

    fn arm(&mut self, profile: &str) {
        self.tell(Fact::BootArmed { profile: profile.into(), then: "local".into() });
        self.load(Some(profile));
    }

    fn disarm(&mut self, profile: &str, evidence: &str) {
        self.tell(Fact::BootDisarmed { profile: profile.into(), evidence: evidence.into(), then: "local".into() });
    }

    /// Firmware looks for a server: a boot begins.
    fn comes(&mut self) {
        let architecture = Some(Architecture::Bios);
        let (xid, vendor, hostname, relay) = (1, None, None, None);
        self.tell(Fact::DhcpDiscovered { xid, architecture, vendor, ipxe: false, hostname, relay });
    }

    fn fetches(&mut self, role: Role, file: &str) {
        for step in [Step::Requested, Step::Completed] {
            let transfer = Transfer { id: 1, file: file.into(), role, size: Some(9), bytes: 9, millis: 1 };
            self.tell(Fact::of_transfer(Service::Http, step, transfer));
        }
    }

    fn machine(&self) -> &Machine {
        &self.state.segments[&SERVER].machines[&MAC]
    }

    fn standing(&self, tries: u32) -> Standing {
        self.machine().standing(&TokenKey::new(*b"key"), tries, Timestamp::UNIX_EPOCH)
    }

    fn history(&self) -> Vec<(&str, &str)> {
        let over = |arming: &crate::state::Arming| arming.over.as_ref().unwrap().evidence.clone();
        let armings = self.machine().armings.iter();
        armings.map(|arming| (arming.profile.as_str(), &*over(arming).leak())).collect()
    }
}

#[test]
fn a_kernel_is_a_try_and_the_boot_after_it_is_too_many() {
    let mut story = Story::begin();
    story.arm("debian");
    // Reset before its kernel came: no try.
    for _ in 0..3 {
        story.comes();
        story.fetches(Role::Script, "boot.ipxe");
        assert!(!story.standing(1).spent && story.machine().arming.as_ref().unwrap().boots.is_empty());
        assert!(!story.machine().boots_what_it_is_armed_with());
    }
    let token = story.standing(1).token;
    story.fetches(Role::Kernel, "debian/linux");
    story.fetches(Role::Script, "answers/preseed.cfg");
    assert!(!story.standing(1).spent, "the boot that is under way goes on");
    assert!(story.machine().boots_what_it_is_armed_with());
    assert!(story.standing(1).token.is(token), "one token a boot");
    story.comes();
    assert!(story.standing(1).spent && !story.standing(2).spent);
    assert!(!story.standing(1).token.is(token) && !story.machine().boots_what_it_is_armed_with());
    story.tell(Fact::BootSpent { profile: "debian".into(), tries: 1 });
    // What it boots instead is no try.
    story.fetches(Role::Kernel, "rescue/vmlinuz");
    assert_eq!(story.machine().arming.as_ref().unwrap().boots.len(), 1);
    assert!(story.standing(9).spent, "what was told stays so");
    story.arm("debian");
    assert!(!story.standing(1).spent && story.machine().arming.as_ref().unwrap().is_open());
    assert_eq!(story.history(), [("debian", "it was armed anew")]);
}

#[test]
fn it_was_on_its_way_when_it_was_armed() {
    let mut story = Story::begin();
    story.comes();
    story.fetches(Role::Kernel, "kiosk/vmlinuz");
    story.arm("debian");
    assert!(!story.machine().boots_what_it_is_armed_with(), "a kernel of before is none of it");
    story.comes();
    story.arm("debian");
    story.fetches(Role::Kernel, "debian/linux");
    assert!(story.machine().boots_what_it_is_armed_with(), "though the boot began before");
    story.comes();
    assert!(story.standing(1).spent);
}

#[test]
fn what_is_done_is_not_given_again_while_conf_still_says_it() {
    let mut story = Story::begin();
    story.arm("debian");
    story.comes();
    story.fetches(Role::Kernel, "debian/linux");
    story.disarm("debian", "it said done by DNS");
    story.load(Some("debian"));
    assert!(story.standing(1).spent, "its file is still there");
    assert_eq!(story.machine().armings.len(), 0);
    story.load(None);
    assert!(story.machine().arming.is_none() && !story.standing(1).spent);
    assert_eq!(story.history(), [("debian", "it said done by DNS")]);
    // Conf may be read before it is told.
    story.arm("debian");
    story.load(None);
    story.disarm("debian", "taken back");
    assert_eq!(story.history(), [("debian", "it said done by DNS"), ("debian", "taken back")]);
    story.arm("debian");
    story.load(None);
    story.arm("alma");
    story.load(Some("alpine"));
    let evidence = ["it said done by DNS", "taken back", "its boot-once was taken away", "it was armed anew"];
    assert_eq!(story.history().into_iter().map(|(_, evidence)| evidence).collect::<Vec<_>>(), evidence);
    for _ in 0..20 {
        story.arm("alma");
    }
    assert_eq!(story.machine().armings.len(), 8, "history is bounded");
}

#[test]
fn secrets_are_told_of_each_file_until_it_is_armed_anew() {
    let mut story = Story::begin();
    story.arm("debian");
    story.tell(Fact::BootTold { file: "answers/preseed.cfg".into() });
    story.load(Some("debian"));
    assert!(story.machine().was_told("answers/preseed.cfg") && !story.machine().was_told("answers/late.sh"));
    story.arm("debian");
    assert!(!story.machine().was_told("answers/preseed.cfg"));
}

#[test]
fn tries_outlive_the_boots_that_they_were() {
    // As from a journal in which the events of the boot are gone.
    let mut story = Story::begin();
    story.arm("debian");
    let boot = Timestamp::from_second(1_800_000_050).unwrap();
    story.tell(Fact::BootTried { profile: "debian".into(), boot, number: 1, tries: 1 });
    assert!(!story.standing(1).spent && story.machine().boots_what_it_is_armed_with());
    assert!(story.standing(1).token.is(TokenKey::new(*b"key").token(MAC, Some(boot))));
    story.second = 100;
    story.comes();
    assert!(story.standing(1).spent);
}

#[test]
fn what_it_said_is_known_for_each_boot() {
    let mut story = Story::begin();
    story.comes();
    let boot = story.machine().present_boot();
    let said = |verb: &str, argument: &str, script| {
        let (verb, argument) = (verb.to_owned(), argument.to_owned());
        Fact::DnsObeyed { verb, argument, script, boot }
    };
    story.tell(said("stage", "partman", false));
    story.tell(said("notify", "x", true));
    assert_eq!(story.machine().said(boot, "notify", "x").unwrap().ran, None);
    let (verb, argument, output) = ("notify".to_owned(), "x".to_owned(), String::new());
    story.tell(Fact::DnsRan { verb, argument, boot, code: Some(1), output, millis: 1 });
    assert_eq!(story.machine().said(boot, "notify", "x").unwrap().ran, Some(false));
    assert!(story.machine().said(boot, "stage", "finish").is_none());
    assert!(story.machine().said(None, "stage", "partman").is_none(), "another boot");
    let stages: Vec<_> = story.machine().stages(boot.unwrap()).map(|said| said.argument.as_str()).collect();
    assert_eq!(stages, ["partman"]);
}
