//! Segments, machines and leases as JSON. Pure.

use crate::{
    net::Mac,
    state::{self, Health, Outcome},
};
use jiff::Timestamp;
use serde::Serialize;
use std::net::Ipv4Addr;
use utoipa::ToSchema;

/// A segment as it stands.
#[derive(Serialize, ToSchema)]
pub struct Segment {
    /// The server's own address, which names the segment.
    #[schema(value_type = String, format = "ipv4")]
    segment: Ipv4Addr,
    /// The domain of its machines.
    domain: String,
    /// `authoritative`, `proxy` or `off`.
    mode: String,
    /// It is in conf.
    current: bool,
    /// It is another server's, and known through the database.
    remote: bool,
    /// First and last address that are given to anybody.
    #[schema(value_type = Option<Vec<String>>)]
    pool: Option<[Ipv4Addr; 2]>,
    /// Machines that are known, of conf and others.
    machines: usize,
    /// Leases that are in force.
    leases: usize,
    /// How its servers are.
    services: Vec<Service>,
    /// Other DHCP servers that answer there.
    rivals: Vec<Rival>,
    /// What hangs at the other end of its cable, as that says itself.
    links: Vec<Link>,
}

/// A server of a segment.
#[derive(Serialize, ToSchema)]
pub struct Service {
    /// `dhcp`, `tftp`, …
    service: &'static str,
    /// `running`, `failed` or `stopped`.
    state: &'static str,
    /// Where it listens.
    address: Option<String>,
    /// What is wrong with it.
    error: Option<String>,
    /// What helps.
    next_step: Option<String>,
}

/// Another DHCP server.
#[derive(Serialize, ToSchema)]
pub struct Rival {
    #[schema(value_type = String)]
    mac: Mac,
    #[schema(value_type = String, format = "ipv4")]
    address: Ipv4Addr,
    /// When it was first heard.
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
}

/// The other end of a cable (LLDP).
#[derive(Serialize, ToSchema)]
pub struct Link {
    #[schema(value_type = String)]
    mac: Mac,
    system: String,
    port: String,
    /// When it was first said.
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
}

/// A machine as it stands.
#[derive(Serialize, ToSchema)]
pub struct Machine {
    /// The server's address of its segment.
    #[schema(value_type = String, format = "ipv4")]
    segment: Ipv4Addr,
    #[schema(value_type = String)]
    mac: Mac,
    #[schema(value_type = Option<String>, format = "ipv4")]
    address: Option<Ipv4Addr>,
    hostname: Option<String>,
    /// It is in conf; else it was only seen.
    in_conf: bool,
    /// The profile it boots.
    profile: Option<String>,
    /// Its firmware: `bios`, `uefi`, …
    firmware: Option<String>,
    /// How it is switched: `amt`, `wol`, …
    power_method: Option<String>,
    /// `on` or `off`, where that is known.
    power: Option<&'static str>,
    /// Why it is not known.
    power_trouble: Option<String>,
    /// A change of power that is under way, in words.
    switching: Option<String>,
    /// What it is armed with.
    armed: Option<String>,
    /// Who made its network card.
    vendor: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    first_seen: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    last_seen: Option<Timestamp>,
    /// Checks that fail, by name.
    failing: Vec<String>,
    /// The boot that is under way, or was the last.
    boot: Option<Boot>,
}

/// One boot.
#[derive(Serialize, ToSchema)]
pub struct Boot {
    #[schema(value_type = String, format = DateTime)]
    began: Timestamp,
    /// `underway`, `up`, `stalled` or `ended`.
    outcome: &'static str,
    /// Why it stands still.
    cause: Option<String>,
    /// What helps.
    next_step: Option<String>,
    /// Its stages, in the order in which they were reached.
    stages: Vec<Stage>,
    /// The pcapng file of its packets.
    recording: Option<String>,
}

/// A stage of a boot.
#[derive(Serialize, ToSchema)]
pub struct Stage {
    /// `seen`, `offered`, …
    stage: &'static str,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// An address, a file.
    note: String,
}

/// A machine with its boots.
#[derive(Serialize, ToSchema)]
pub struct Detail {
    machine: Machine,
    /// Its boots, the newest last.
    boots: Vec<Boot>,
    /// Its checks.
    checks: Vec<super::watched::Check>,
}

/// An address and who has it.
#[derive(Serialize, ToSchema)]
pub struct Lease {
    #[schema(value_type = String, format = "ipv4")]
    segment: Ipv4Addr,
    #[schema(value_type = String, format = "ipv4")]
    address: Ipv4Addr,
    #[schema(value_type = String)]
    mac: Mac,
    /// The name that the client gave itself.
    hostname: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    given: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    expires: Timestamp,
    /// The client may use it now.
    active: bool,
}

/// A segment.
pub fn segment(server: Ipv4Addr, known: &state::Segment, now: Timestamp) -> Segment {
    Segment {
        segment: server,
        domain: known.domain.clone(),
        mode: known.mode.clone(),
        current: known.current,
        remote: known.remote,
        pool: known.pool.map(|(first, last)| [first, last]),
        machines: known.machines.len(),
        leases: known.leases.iter().filter(|lease| !lease.ended && lease.is_active(now)).count(),
        services: known.services.iter().map(|(service, health)| self::service(service.name(), health)).collect(),
        rivals: known
            .rivals
            .iter()
            .map(|(mac, (address, since))| Rival { mac: *mac, address: *address, since: *since })
            .collect(),
        links: known
            .links
            .iter()
            .map(|(mac, (link, since))| {
                let (system, port) = (link.system.clone(), link.port.clone());
                Link { mac: *mac, system, port, since: *since }
            })
            .collect(),
    }
}

fn service(service: &'static str, health: &Health) -> Service {
    let stopped = Service { service, state: "stopped", address: None, error: None, next_step: None };
    match health {
        Health::Running { address } => Service { state: "running", address: Some(address.clone()), ..stopped },
        Health::Failed { error, next_step, .. } => {
            let (error, next_step) = (Some(error.clone()), Some(next_step.clone()));
            Service { state: "failed", error, next_step, ..stopped }
        }
        Health::Stopped => stopped,
    }
}

/// A machine.
pub fn machine(segment: Ipv4Addr, known: &state::Machine) -> Machine {
    let failed = known.checks.iter().filter(|(_, check)| check.result == state::checked::CheckResult::Failed);
    Machine {
        segment,
        mac: known.mac,
        address: known.address,
        hostname: known.hostname.clone(),
        in_conf: known.in_conf,
        profile: known.profile.clone(),
        firmware: known.firmware.map(|firmware| firmware.to_string()),
        power_method: known.power_method.clone(),
        power: known.power.map(|power| power.name()),
        power_trouble: known.power_trouble.clone(),
        switching: known.power_word(),
        armed: known.arming.as_ref().filter(|arming| arming.is_open()).map(|arming| arming.profile.clone()),
        vendor: known.vendor.clone(),
        first_seen: known.first_seen,
        last_seen: known.last_seen,
        failing: failed.map(|(name, _)| name.clone()).collect(),
        boot: known.boot().map(boot),
    }
}

fn boot(known: &state::Boot) -> Boot {
    let (outcome, verdict) = match &known.outcome {
        Outcome::Underway => ("underway", None),
        Outcome::Up(_) => ("up", None),
        Outcome::Stalled(verdict) => ("stalled", Some(verdict)),
        Outcome::Ended => ("ended", None),
    };
    let stage = |(stage, milestone): (&state::Stage, &state::Milestone)| Stage {
        stage: stage.name(),
        at: milestone.at,
        note: milestone.note.clone(),
    };
    let mut stages: Vec<Stage> = known.milestones.iter().map(stage).collect();
    stages.sort_by_key(|stage| stage.at);
    Boot {
        began: known.began,
        outcome,
        cause: verdict.map(|verdict| verdict.cause.clone()),
        next_step: verdict.map(|verdict| verdict.next_step.clone()),
        stages,
        recording: known.recording.as_ref().map(|recording| recording.file.clone()),
    }
}

/// A machine with all that is shown of it.
pub fn detail(segment: Ipv4Addr, known: &state::Machine) -> Detail {
    Detail {
        machine: machine(segment, known),
        boots: known.boots.iter().map(boot).collect(),
        checks: super::watched::of(segment, Some(known), &known.checks).collect(),
    }
}

/// A lease.
pub fn lease(segment: Ipv4Addr, known: &state::Lease, now: Timestamp) -> Lease {
    Lease {
        segment,
        address: known.address,
        mac: known.mac,
        hostname: known.hostname.as_ref().map(|name| crate::event::printable(name, 64)),
        given: known.given,
        expires: known.expires,
        active: !known.ended && known.is_active(now),
    }
}
