//! Each fact in words, for the log, the audit pane and a machine's last word.

use super::{Fact, LeaseSource, Refusal, Silence, fetch, power, track, transfer::Transfer, watch};
use std::fmt;

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fact::DhcpDiscovered { architecture, ipxe, hostname, relay, .. } => {
                write!(f, "looks for a server")?;
                if *ipxe {
                    write!(f, " as iPXE")?;
                }
                if let Some(architecture) = architecture {
                    write!(f, " ({architecture})")?;
                }
                if let Some(hostname) = hostname {
                    write!(f, ", calls itself {hostname}")?;
                }
                relay.map_or(Ok(()), |relay| write!(f, ", by relay {relay}"))
            }
            Fact::DhcpOffered { address, boot_file, refusal, source, .. } => {
                write!(f, "offered {address}{}", of(*source))?;
                with_boot_file(f, boot_file.as_deref())?;
                refusal.as_ref().map_or(Ok(()), |refusal| write!(f, ", nothing to boot: {refusal}"))
            }
            Fact::DhcpAcknowledged { address, boot_file, lease, renewal, source, .. } => {
                let verb = if *renewal { "renewed" } else { "leased" };
                write!(f, "{verb} {address}{} for {lease} s", of(*source))?;
                with_boot_file(f, boot_file.as_deref())
            }
            Fact::DhcpRefused { address: Some(address), reason, .. } => write!(f, "refused {address}: {reason}"),
            Fact::DhcpRefused { address: None, reason, .. } => write!(f, "refused: {reason}"),
            Fact::DhcpIgnored { reason, .. } => write!(f, "not answered: {reason}"),
            Fact::DhcpInformed { address, .. } => write!(f, "told {address} its parameters"),
            Fact::DhcpReleased { address } => write!(f, "gave {address} back"),
            Fact::DhcpDeclined { address, until } => {
                write!(f, "found {address} in use by another; not offered until {until:.0}")
            }
            Fact::DhcpExpired { address } => write!(f, "lease of {address} ran out"),
            Fact::DhcpConflicted { address, owner, until } => {
                write!(f, "{address} of the pool is in use by {owner}; not offered until {until:.0}")
            }
            Fact::DhcpOutbid { server, .. } => write!(f, "took the offer of another server, {server}"),
            Fact::DhcpProxied { refusal: Some(refusal), port, .. } => {
                write!(f, "not told what to boot (port {port}): {refusal}")
            }
            Fact::DhcpProxied { boot_file, port, .. } => {
                write!(f, "told what to boot (port {port})")?;
                with_boot_file(f, boot_file.as_deref())
            }
            Fact::TftpRequested { transfer } | Fact::HttpRequested { transfer } => {
                write!(f, "asks for {}", transfer.file)
            }
            Fact::TftpProgressed { transfer } | Fact::HttpProgressed { transfer } => {
                write!(f, "{}: {}", transfer.file, so_far(transfer))
            }
            Fact::TftpProbed { transfer } => write!(f, "asked how large {} is", transfer.file),
            Fact::TftpCompleted { transfer } | Fact::HttpCompleted { transfer } => {
                write!(f, "got {}: {} in {} ms", transfer.file, so_far(transfer), transfer.millis)
            }
            Fact::TftpAbandoned { transfer, reason } | Fact::HttpAbandoned { transfer, reason } => {
                write!(f, "broke off {} after {}: {reason}", transfer.file, so_far(transfer))
            }
            Fact::TftpRefused { file, refusal, .. } | Fact::HttpRefused { file, refusal, .. } => {
                write!(f, "did not get {file}: {refusal}")
            }
            Fact::DnsAnswered { name, record, answers } if answers.is_empty() => {
                write!(f, "{record} {name}: no such record")
            }
            Fact::DnsAnswered { name, record, answers } => write!(f, "{record} {name}: {}", answers.join(", ")),
            Fact::DnsForwarded { name, record, code, millis } => {
                write!(f, "{record} {name}: {code} from upstream in {millis} ms")
            }
            Fact::DnsRefused { name, record, reason } => write!(f, "{record} {name} refused: {reason}"),
            Fact::DnsObeyed { verb, argument, script, .. } => match verb.as_str() {
                _ if *script => write!(f, "has conf/commands/{verb} run, with {argument:?}"),
                "stage" => write!(f, "is at its stage {argument}"),
                "log" => write!(f, "says {argument}"),
                "done" => f.write_str("says that it is done"),
                "local" => f.write_str("wants to boot its own disk from now on"),
                _ if argument.is_empty() => write!(f, "says {verb}"),
                _ => write!(f, "says {verb} {argument}"),
            },
            Fact::DnsRan { verb, code, output, millis, .. } => {
                match code {
                    Some(code) => write!(f, "conf/commands/{verb} ended with code {code} after {millis} ms")?,
                    None => write!(f, "conf/commands/{verb} came to no end of its own after {millis} ms")?,
                }
                if output.is_empty() { Ok(()) } else { write!(f, ": {output}") }
            }
            Fact::DnsAsked { question, answer } => {
                write!(f, "asked {question}: {}", if *answer { "yes" } else { "no" })
            }
            Fact::DnsUnheeded { verb, argument, reason, answer } => {
                let point = if argument.is_empty() { "" } else { "." };
                write!(f, "the command {verb}{point}{argument} was not obeyed, {answer}: {reason}")
            }
            Fact::SyslogReceived { tag: Some(tag), text, .. } => write!(f, "{tag}: {text}"),
            Fact::SyslogReceived { tag: None, text, .. } => f.write_str(text),
            Fact::RadvAnswered { source } => write!(f, "router solicitation of {source} answered"),
            Fact::NfsMounted { base, folder, by, resumed } => {
                let verb = if *resumed { "goes on with" } else { "mounted" };
                write!(f, "{verb} root {base}, its changes in {folder}, by {by}")
            }
            Fact::NfsUnmounted { base } => write!(f, "unmounted root {base}"),
            Fact::NfsHanded { machines, file } => {
                write!(f, "{machines} machines have their roots from this host's kernel: run sh {file}")
            }
            Fact::NfsRefused { source, path: Some(path), reason } => {
                write!(f, "{source} did not get to mount {path}: {reason}")
            }
            Fact::NfsRefused { source, path: None, reason } => write!(f, "{source} did not get to use NFS: {reason}"),
            Fact::RootMade { base, of: Some(of), kernel } => {
                write!(f, "its root over {of} became the base {base}, Linux {kernel}")
            }
            Fact::RootMade { base, of: None, kernel } => write!(f, "base {base} made, Linux {kernel}"),
            Fact::RootSnapshotted { snapshot } => write!(f, "changes of its root kept as snapshot {snapshot}"),
            Fact::RootReset { to: Some(to) } => write!(f, "root put back to snapshot {to}"),
            Fact::RootReset { to: None } => write!(f, "root reset to its base"),
            Fact::NfsFailed { doing, error, next_step } => write!(f, "{doing}: {error}; {next_step}"),
            Fact::PowerRequested { .. }
            | Fact::PowerAccepted { .. }
            | Fact::PowerFailed { .. }
            | Fact::PowerRefused { .. }
            | Fact::PowerConfirmed { .. }
            | Fact::PowerUnconfirmed { .. }
            | Fact::PowerObserved { .. }
            | Fact::PowerUnobserved { .. }
            | Fact::PowerExamined { .. }
            | Fact::PowerDiagnosed { .. }
            | Fact::PowerTrusted { .. }
            | Fact::ScheduleMissed { .. }
            | Fact::ScheduleSkipped { .. }
            | Fact::AlarmSet { .. }
            | Fact::AlarmRemoved { .. }
            | Fact::AlarmRefused { .. }
            | Fact::AlarmListed { .. }
            | Fact::AlarmUnlisted { .. } => power::sentence(self, f),
            Fact::FetchBegun { .. }
            | Fact::FetchProgressed { .. }
            | Fact::FetchCompleted { .. }
            | Fact::FetchFound { .. }
            | Fact::FetchFailed { .. }
            | Fact::FetchRefused { .. }
            | Fact::FetchEnded { .. } => fetch::sentence(self, f),
            Fact::TrackLooked { .. }
            | Fact::TrackChanged { .. }
            | Fact::TrackFailed { .. }
            | Fact::TrackLeft { .. }
            | Fact::TrackMeasured { .. }
            | Fact::TrackRestored { .. }
            | Fact::TrackTrusted { .. }
            | Fact::TrackRepaired { .. }
            | Fact::TrackDocumented { .. }
            | Fact::RecipeBegun { .. }
            | Fact::RecipeSaid { .. }
            | Fact::RecipeEnded { .. }
            | Fact::RecipeFailed { .. } => track::sentence(self, f),
            Fact::CheckPassed { .. }
            | Fact::CheckFailed { .. }
            | Fact::CheckRecovered { .. }
            | Fact::CheckPaused { .. }
            | Fact::HostSeen { .. }
            | Fact::LinkTold { .. }
            | Fact::RivalFound { .. }
            | Fact::RivalGone { .. }
            | Fact::AddressContested { .. }
            | Fact::AddressSettled { .. }
            | Fact::AlertPending { .. }
            | Fact::AlertWithdrawn { .. }
            | Fact::AlertFired { .. }
            | Fact::AlertResolved { .. }
            | Fact::AlertAcknowledged { .. }
            | Fact::AlertSilenced { .. }
            | Fact::AlertUnsilenced { .. }
            | Fact::AlertDamped { .. }
            | Fact::AlertDelivered { .. }
            | Fact::AlertUndelivered { .. }
            | Fact::TrendFailed { .. }
            | Fact::TrendRecovered { .. }
            | Fact::PageEntered { .. }
            | Fact::PageRefused { .. }
            | Fact::PageActed { .. } => watch::sentence(self, f),
            Fact::ConfLoaded { machines, mode, .. } => write!(f, "conf read: {} machines, mode {mode}", machines.len()),
            Fact::ConfChanged { path } => write!(f, "{path} changed"),
            Fact::ConfRejected { path, value, expected } => {
                write!(f, "{path}: {value:?} is not {expected}; the last good value stays in force")
            }
            Fact::ConfMended { path } => write!(f, "{path} is right again"),
            Fact::ConfRemoved { machines } => write!(f, "segment taken out of conf, with {machines} machines"),
            Fact::ConfUnwritten { path, error } => write!(f, "{path} could not be written: {error}"),
            Fact::ConfAdopted { hostname } => write!(f, "adopted as {hostname}"),
            Fact::BootCompleted { millis } => write!(f, "up after {}.{} s", millis / 1000, millis % 1000 / 100),
            Fact::BootStalled { stage, cause, next_step } => write!(f, "boot stands at {stage}: {cause}: {next_step}"),
            Fact::BootLearned { boot_file, .. } => write!(f, "gets on with {boot_file}, which it is given first now"),
            Fact::BootLooped { cause, next_step, .. } => write!(f, "boots in a circle: {cause}; {next_step}"),
            Fact::BootRecorded { file, packets: 0, .. } => write!(f, "its packets are kept in {file}"),
            Fact::BootRecorded { file, packets, bytes, dropped, .. } => {
                write!(f, "{packets} packets of it are in {file} ({bytes} bytes)")?;
                if *dropped > 0 { write!(f, "; the system dropped {dropped}") } else { Ok(()) }
            }
            Fact::BootUnrecorded { file, error, next_step, .. } => {
                write!(f, "its packets cannot be kept in {file}: {error}; {next_step}")
            }
            Fact::BootArmed { profile, then } => write!(f, "armed: boots {profile} once, then {then}"),
            Fact::BootTried { profile, number, tries, .. } => {
                write!(f, "runs {profile}, with which it is armed: try {number} of {tries}")
            }
            Fact::BootDisarmed { profile, evidence, then } => {
                write!(f, "no longer armed with {profile}: {evidence}")?;
                if then.is_empty() { Ok(()) } else { write!(f, "; boots {then} from now on") }
            }
            Fact::BootSpent { profile, tries } => write!(
                f,
                "{profile} had its {tries} boot{}, and nothing showed that it came to its end; arm the machine anew",
                if *tries == 1 { "" } else { "s" }
            ),
            Fact::BootChosen { profile } => write!(f, "chose {profile} in its menu"),
            Fact::BootTold { file } => write!(f, "was told the secrets in {file}"),
            Fact::BootDiscarded { file } => write!(f, "let {file} go"),
            Fact::PacketRejected { source, error, count, .. } => write!(f, "{count} bad from {source}: {error}"),
            Fact::VmCreated { hostname, disk, from } => {
                write!(f, "made virtual machine {hostname} from {from}, on {disk}")
            }
            Fact::VmSnapshotted { snapshot, disk, state, bytes } => {
                write!(f, "disk {disk} kept as snapshot {snapshot} ({state}, {bytes} bytes)")
            }
            Fact::VmRemoved { what, bytes } => write!(f, "removed {what}; {bytes} bytes are free"),
            Fact::ServiceStarted { service, address } => write!(f, "{service} listens on {address}"),
            Fact::ServiceFailed { service, error, next_step, retry } => {
                write!(f, "{service}: {error}; {next_step} (next try in {} s)", retry.div_ceil(1000))
            }
            Fact::ServiceStopped { service } => write!(f, "{service} stopped"),
            Fact::ConsoleFailed { error } => write!(f, "the console broke: {error}; the servers go on"),
            Fact::EventsDropped { reader, count } => write!(f, "{count} events dropped: the {reader} was too slow"),
            Fact::JournalFailed { error, next_step, waiting } => {
                write!(f, "the journal cannot be written: {error}; {next_step}; {waiting} events wait in memory")
            }
            Fact::JournalPruned { events, before } => {
                write!(f, "let {events} events go that happened before {before:.0}")
            }
            Fact::AuditFailed { database, error, next_step, behind } => {
                write!(f, "{database} does not take events, {behind} wait: {error}; {next_step}")
            }
            Fact::AuditRecovered { database, behind } => {
                write!(f, "{database} takes events again, {behind} wait for it")
            }
            Fact::AuditBegun { database, behind } => {
                write!(f, "{database} has nothing of this journal; {behind} events are sent")
            }
            Fact::JournalRecovered { waiting } => {
                write!(f, "the journal is written again; {waiting} events had waited")
            }
            Fact::ProgramStarted { version } => write!(f, "PXElator {version} started"),
            Fact::ProgramStopped { reason } => write!(f, "PXElator stopped: {reason}"),
        }
    }
}

fn of(source: LeaseSource) -> &'static str {
    match source {
        LeaseSource::Reservation => "",
        LeaseSource::Pool => " of the pool",
    }
}

fn with_boot_file(f: &mut fmt::Formatter<'_>, boot_file: Option<&str>) -> fmt::Result {
    boot_file.map_or(Ok(()), |file| write!(f, ", to boot {file}"))
}

fn so_far(transfer: &Transfer) -> String {
    match transfer.size {
        Some(size) if size != transfer.bytes => format!("{} of {size} bytes", transfer.bytes),
        _ => format!("{} bytes", transfer.bytes),
    }
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Silence::NotInConf => f.write_str("not in conf, and no pool"),
            Silence::PoolExhausted => f.write_str("no address of the pool is free"),
            Silence::NotPxe => f.write_str("mode is proxy, and the client does not boot from the network"),
            Silence::Off => f.write_str("mode is off"),
            Silence::UnknownLease => f.write_str("asks for a lease that this server knows nothing of"),
            Silence::ForeignRelay { relay } => write!(f, "the relay {relay} is of another subnet"),
            Silence::OtherServer { server } => write!(f, "it asks another server, {server}"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Missing { path } => write!(f, "{path} is not there"),
            Refusal::Outside => f.write_str("the path leads out of tftpboot"),
            Refusal::NotAFile => f.write_str("not a file"),
            Refusal::Unreadable { error } => write!(f, "cannot be read: {error}"),
            Refusal::UnknownMachine => f.write_str("asked by an address that is no machine of the segment"),
            Refusal::NoProfile => f.write_str("neither the machine nor its segment has a boot file"),
            Refusal::UnknownProfile { profile } => write!(f, "there is no profile {profile} in conf/boot"),
            Refusal::BrokenProfile { profile, error } => write!(f, "profile {profile}: {error}"),
            Refusal::Told { file } => write!(f, "{file} holds a secret, which was told already; arm the machine anew"),
            Refusal::Unarmed { file } => write!(f, "{file} holds a secret, which only an armed machine gets"),
            Refusal::Looped => f.write_str("it boots in a circle, so that it is given nothing for a while"),
            Refusal::NotAllowed { request } => write!(f, "{request} is not allowed"),
        }
    }
}
