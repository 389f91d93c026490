//! Every kind of event with its fields: the program's vocabulary, one place.

use super::{
    Action, Alarm, Architecture, Asker, Came, Cause, Evidence, LeaseSource, MachineSummary, Manner, Means, PowerState,
    RecipeManner, Refusal, Role, Service, Severity, Sighting, Silence, Tried, transfer::Transfer,
};
use crate::net::Mac;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Declares [`Fact`] together with each variant's kind, service and severity, so that they cannot disagree.
macro_rules! facts {
    ($( $(#[$doc:meta])* $variant:ident = $kind:literal $service:ident $severity:ident {
        $( $(#[$field_doc:meta])* $field:ident : $type:ty ),* $(,)?
    } )*) => {
        /// What happened. As JSON: `{"kind": "dhcp.offered", "details": {…}}`.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "kind", content = "details")]
        pub enum Fact {
            $( $(#[$doc])* #[serde(rename = $kind)] $variant { $( $(#[$field_doc])* $field: $type ),* } ),*
        }

        impl Fact {
            /// Every kind there is.
            pub const KINDS: &'static [&'static str] = &[$($kind),*];

            /// Past tense, `subject.verb`.
            pub fn kind(&self) -> &'static str {
                match self { $( Fact::$variant { .. } => $kind ),* }
            }

            fn usual_service(&self) -> Service {
                match self { $( Fact::$variant { .. } => Service::$service ),* }
            }

            fn usual_severity(&self) -> Severity {
                match self { $( Fact::$variant { .. } => Severity::$severity ),* }
            }
        }
    };
}

facts! {
    /// A client looked for a server (DHCPDISCOVER).
    DhcpDiscovered = "dhcp.discovered" Dhcp Info {
        /// Transaction.
        xid: u32,
        /// Option 93.
        architecture: Option<Architecture>,
        /// Option 60, made printable.
        vendor: Option<String>,
        /// The client is iPXE (option 77 or 175).
        ipxe: bool,
        /// Option 12, made printable.
        hostname: Option<String>,
        /// The relay that brought it (giaddr).
        relay: Option<Ipv4Addr>,
    }
    /// An address was offered (DHCPOFFER).
    DhcpOffered = "dhcp.offered" Dhcp Info {
        /// Transaction.
        xid: u32,
        /// The address offered.
        address: Ipv4Addr,
        /// The boot file or URL in the offer.
        boot_file: Option<String>,
        /// Why it has none, where the client wants one.
        refusal: Option<Refusal>,
        /// Seconds.
        lease: u32,
        /// Where the address comes from.
        source: LeaseSource,
    }
    /// A lease was given or renewed (DHCPACK to a DHCPREQUEST).
    DhcpAcknowledged = "dhcp.acknowledged" Dhcp Info {
        /// Transaction.
        xid: u32,
        /// The address leased.
        address: Ipv4Addr,
        /// The boot file or URL in the answer.
        boot_file: Option<String>,
        /// Seconds.
        lease: u32,
        /// Where the address comes from.
        source: LeaseSource,
        /// The client's identifier: option 61 in hexadecimal, else its hardware address.
        client: String,
        /// Option 12 of the request, made printable.
        hostname: Option<String>,
        /// False for the first acknowledgement after a DHCPDISCOVER, true for renewing, rebinding and INIT-REBOOT.
        renewal: bool,
        /// Option 93.
        architecture: Option<Architecture>,
        /// The client is iPXE.
        ipxe: bool,
    }
    /// A request was refused (DHCPNAK).
    DhcpRefused = "dhcp.refused" Dhcp Warning {
        /// Transaction.
        xid: u32,
        /// The address asked for.
        address: Option<Ipv4Addr>,
        /// In words.
        reason: String,
    }
    /// A message was left unanswered on purpose.
    DhcpIgnored = "dhcp.ignored" Dhcp Notice {
        /// Transaction.
        xid: u32,
        /// Why.
        reason: Silence,
    }
    /// A client asked for parameters only (DHCPINFORM).
    DhcpInformed = "dhcp.informed" Dhcp Info {
        /// Transaction.
        xid: u32,
        /// The address it has.
        address: Ipv4Addr,
    }
    /// A lease was given back (DHCPRELEASE).
    DhcpReleased = "dhcp.released" Dhcp Info {
        /// The address.
        address: Ipv4Addr,
    }
    /// A client found its new address in use (DHCPDECLINE).
    DhcpDeclined = "dhcp.declined" Dhcp Warning {
        /// The address.
        address: Ipv4Addr,
        /// It is not offered before.
        until: Timestamp,
    }
    /// A lease ran out.
    DhcpExpired = "dhcp.expired" Dhcp Info {
        /// The address.
        address: Ipv4Addr,
    }
    /// A free pool address answered the ARP probe, so it is not offered.
    DhcpConflicted = "dhcp.conflicted" Dhcp Warning {
        /// The address.
        address: Ipv4Addr,
        /// Who has it.
        owner: Mac,
        /// It is not offered before.
        until: Timestamp,
    }
    /// A client asked for another server's offer.
    DhcpOutbid = "dhcp.outbid" Dhcp Notice {
        /// Transaction.
        xid: u32,
        /// The server it chose.
        server: Ipv4Addr,
    }
    /// Boot information was given beside another DHCP server (proxyDHCP).
    DhcpProxied = "dhcp.proxied" Dhcp Info {
        /// Transaction.
        xid: u32,
        /// The boot file or URL.
        boot_file: Option<String>,
        /// Why it has none, where the client wants one.
        refusal: Option<Refusal>,
        /// 67 or 4011.
        port: u16,
    }

    /// A file was asked for over TFTP.
    TftpRequested = "tftp.requested" Tftp Info {
        /// The transfer as it begins.
        #[serde(flatten)]
        transfer: Transfer,
    }
    /// A TFTP transfer went on.
    TftpProgressed = "tftp.progressed" Tftp Debug {
        /// The transfer so far.
        #[serde(flatten)]
        transfer: Transfer,
    }
    /// Only the size of a file was asked for over TFTP (RFC 2349, section 4).
    TftpProbed = "tftp.probed" Tftp Debug {
        /// The transfer that was broken off.
        #[serde(flatten)]
        transfer: Transfer,
    }
    /// A TFTP transfer ended with every byte sent.
    TftpCompleted = "tftp.completed" Tftp Info {
        /// The whole transfer.
        #[serde(flatten)]
        transfer: Transfer,
    }
    /// A TFTP transfer ended early.
    TftpAbandoned = "tftp.abandoned" Tftp Warning {
        /// The transfer as far as it came.
        #[serde(flatten)]
        transfer: Transfer,
        /// In words.
        reason: String,
    }
    /// A file was not given over TFTP.
    TftpRefused = "tftp.refused" Tftp Warning {
        /// What was asked for.
        file: String,
        /// What the file is for.
        #[serde(default)]
        role: Role,
        /// Why not.
        refusal: Refusal,
    }

    /// A file was asked for over HTTP.
    HttpRequested = "http.requested" Http Info {
        /// The transfer as it begins.
        #[serde(flatten)]
        transfer: Transfer,
    }
    /// An HTTP transfer went on.
    HttpProgressed = "http.progressed" Http Debug {
        /// The transfer so far.
        #[serde(flatten)]
        transfer: Transfer,
    }
    /// An HTTP transfer ended with every byte sent.
    HttpCompleted = "http.completed" Http Info {
        /// The whole transfer.
        #[serde(flatten)]
        transfer: Transfer,
    }
    /// An HTTP transfer ended early.
    HttpAbandoned = "http.abandoned" Http Warning {
        /// The transfer as far as it came.
        #[serde(flatten)]
        transfer: Transfer,
        /// In words.
        reason: String,
    }
    /// A file was not given over HTTP.
    HttpRefused = "http.refused" Http Warning {
        /// What was asked for.
        file: String,
        /// What the file is for.
        #[serde(default)]
        role: Role,
        /// Why not.
        refusal: Refusal,
    }

    /// A name of the segment was answered.
    DnsAnswered = "dns.answered" Dns Debug {
        /// The name asked, with its last dot.
        name: String,
        /// `A`, `PTR` …
        record: String,
        /// The data of the answers; empty for a name that does not exist.
        answers: Vec<String>,
    }
    /// A name of elsewhere was answered by the servers that `dns` names.
    DnsForwarded = "dns.forwarded" Dns Debug {
        /// The name asked, with its last dot.
        name: String,
        /// `A`, `PTR` …
        record: String,
        /// NOERROR, NXDOMAIN …
        code: String,
        /// Milliseconds.
        millis: u64,
    }
    /// A name was not answered.
    DnsRefused = "dns.refused" Dns Notice {
        /// The name asked, with its last dot.
        name: String,
        /// `A`, `PTR` …
        record: String,
        /// In words.
        reason: String,
    }

    /// A machine asked for a command by a name with its token, and it is obeyed: at once, or by a script that begins.
    DnsObeyed = "dns.obeyed" Dns Notice {
        /// `done`, `stage`, or a script of `conf/commands`.
        verb: String,
        /// What stood between verb and token; empty for nothing.
        argument: String,
        /// It is a script, which tells by [`Fact::DnsRan`] what came of it.
        script: bool,
        /// When the boot began whose token it was.
        boot: Option<Timestamp>,
    }
    /// A script that a machine asked for by a name has ended.
    DnsRan = "dns.ran" Dns Notice {
        /// Its name.
        verb: String,
        /// What it was given.
        argument: String,
        /// When the boot began whose token it was.
        boot: Option<Timestamp>,
        /// Its exit code; none where it could not be run, or was ended.
        code: Option<i32>,
        /// What it printed, shortened and made printable.
        output: String,
        /// Milliseconds.
        millis: u64,
    }
    /// A machine asked a question by a name with its token.
    DnsAsked = "dns.asked" Dns Debug {
        /// `armed`, `profile-debian`.
        question: String,
        /// Yes or no.
        answer: bool,
    }
    /// A command by a name was not obeyed.
    DnsUnheeded = "dns.unheeded" Dns Warning {
        /// The verb, where one could be read.
        verb: String,
        /// What stood between verb and token.
        argument: String,
        /// In words.
        reason: String,
        /// The address that the machine was told, which says the same.
        answer: Ipv4Addr,
    }

    /// A machine logged a message.
    SyslogReceived = "syslog.received" Syslog Info {
        /// The message's own.
        severity: Severity,
        /// `kern`, `daemon` …
        facility: Option<String>,
        /// The program that logged it.
        tag: Option<String>,
        /// The host name in the message.
        host: Option<String>,
        /// The time in the message.
        sent: Option<Timestamp>,
        /// The message, made printable.
        text: String,
    }

    /// A router solicitation was answered.
    RadvAnswered = "radv.answered" Radv Debug {
        /// The machine's link-local address, or `::`.
        source: Ipv6Addr,
    }

    /// A change of power was asked for, of one way of switching.
    PowerRequested = "power.requested" Power Notice {
        /// What was asked.
        action: Action,
        /// `amt`, `qemu`.
        method: String,
        /// Who asked.
        #[serde(default)]
        by: Asker,
    }
    /// What switches the machine accepted the change.
    PowerAccepted = "power.accepted" Power Info {
        /// What was asked.
        action: Action,
        /// `amt`, `qemu`.
        method: String,
        /// How.
        #[serde(default)]
        manner: Manner,
    }
    /// One way of switching did not bring the change about.
    PowerFailed = "power.failed" Power Warning {
        /// What was asked.
        action: Action,
        /// `amt`, `qemu`.
        method: String,
        /// What went wrong, in words.
        error: String,
        /// What the operator can do.
        next_step: String,
    }
    /// A change was not begun: no way of switching was asked.
    PowerRefused = "power.refused" Power Err {
        /// What was asked.
        action: Action,
        /// Why, in words.
        error: String,
        /// What the operator can do.
        next_step: String,
    }
    /// The machine was seen to follow: the end of a change.
    PowerConfirmed = "power.confirmed" Power Info {
        /// What was asked.
        action: Action,
        /// The way that it followed.
        method: String,
        /// What shows it.
        evidence: Evidence,
        /// Milliseconds since it was asked for.
        millis: u64,
    }
    /// No way of switching brought the change about: the end of a change.
    PowerUnconfirmed = "power.unconfirmed" Power Err {
        /// What was asked.
        action: Action,
        /// Each way, and what it said.
        tried: Vec<Tried>,
        /// What the operator can do.
        next_step: String,
    }
    /// The machine's power was seen to be on or off.
    PowerObserved = "power.observed" Power Info {
        /// On or off.
        state: PowerState,
        /// `qemu`.
        method: String,
    }
    /// What switches the machine does not tell any longer whether it has power.
    PowerUnobserved = "power.unobserved" Power Warning {
        /// `amt`.
        method: String,
        /// What went wrong, in words.
        error: String,
        /// What the operator can do.
        next_step: String,
    }
    /// One step of an examination of what switches a machine; the first that fails is the last.
    PowerExamined = "power.examined" Power Info {
        /// `amt`.
        method: String,
        /// `name`, `port`, `TLS` …
        step: String,
        /// What was found, or what is wrong.
        words: String,
        /// What the operator can do; none where all is well.
        next_step: Option<String>,
    }
    /// An examination is over: each way was looked at.
    PowerDiagnosed = "power.diagnosed" Power Info {
        /// Ways with which all is well.
        well: usize,
        /// Ways that have a fault.
        ill: usize,
    }
    /// The certificate of what switches the machine was taken into conf.
    PowerTrusted = "power.trusted" Power Notice {
        /// `amt`.
        method: String,
        /// Of the certificate: SHA-256, in hexadecimal.
        fingerprint: String,
    }
    /// A scheduled change was not done at its time, since the program did not run.
    ScheduleMissed = "schedule.missed" Power Warning {
        /// What was due.
        action: Action,
        /// The line of the schedule.
        line: String,
        /// When it was due.
        due: Timestamp,
        /// It is done now, as the line says.
        late: bool,
    }
    /// A scheduled change was passed over.
    ScheduleSkipped = "schedule.skipped" Power Notice {
        /// What was due.
        action: Action,
        /// The line of the schedule.
        line: String,
        /// When it was due.
        due: Timestamp,
        /// Why: `skip`, `holiday: Christmas`.
        reason: String,
    }
    /// The machine's own alarm clock will switch it on.
    AlarmSet = "alarm.set" Power Info {
        /// When.
        due: Timestamp,
        /// `amt`.
        method: String,
    }
    /// An alarm of ours was taken out of the machine's clock.
    AlarmRemoved = "alarm.removed" Power Info {
        /// When it would have been.
        due: Timestamp,
        /// `amt`.
        method: String,
    }
    /// The machine's alarm clock cannot be set.
    AlarmRefused = "alarm.refused" Power Warning {
        /// When it was to be; none where its alarms cannot even be read.
        due: Option<Timestamp>,
        /// `amt`.
        method: String,
        /// What went wrong, in words.
        error: String,
        /// What the operator can do.
        next_step: String,
    }
    /// The alarms of the machine's own clock, as they were asked for.
    AlarmListed = "alarm.listed" Power Info {
        /// `amt`.
        method: String,
        /// All that are set, also those of others.
        alarms: Vec<Alarm>,
    }
    /// The alarms of the machine's own clock were asked for and are not told.
    AlarmUnlisted = "alarm.unlisted" Power Warning {
        /// `amt`; none where nothing that switches it has an alarm clock.
        method: Option<String>,
        /// What went wrong, in words.
        error: String,
        /// What the operator can do.
        next_step: String,
    }

    /// A segment's conf was read: at the start and after each change.
    ConfLoaded = "conf.loaded" Conf Info {
        /// The segment's domain.
        domain: String,
        /// `authoritative`, `proxy` or `off`.
        mode: String,
        /// First and last address of the pool.
        pool: Option<(Ipv4Addr, Ipv4Addr)>,
        /// All machines of the segment.
        machines: Vec<MachineSummary>,
    }
    /// A value of the conf tree was changed.
    ConfChanged = "conf.changed" Conf Notice {
        /// The file, relative to the conf tree.
        path: String,
    }
    /// A value makes no sense; the last good one stays in force.
    ConfRejected = "conf.rejected" Conf Err {
        /// The file.
        path: String,
        /// What is in it, shortened and made printable.
        value: String,
        /// What was expected.
        expected: String,
    }
    /// A rejected value was put right.
    ConfMended = "conf.mended" Conf Notice {
        /// The file.
        path: String,
    }
    /// A segment was taken out of the conf tree.
    ConfRemoved = "conf.removed" Conf Notice {
        /// How many machines it had.
        machines: usize,
    }
    /// A machine could not be written into the conf tree.
    ConfUnwritten = "conf.unwritten" Conf Err {
        /// Its folder.
        path: String,
        /// In words.
        error: String,
    }
    /// A machine that was only seen was written into the conf tree.
    ConfAdopted = "conf.adopted" Conf Notice {
        /// Its new host name.
        hostname: String,
    }

    /// A machine's boot went through to a running system.
    BootCompleted = "boot.completed" Boot Notice {
        /// Milliseconds since power-on, or since the machine was first seen.
        millis: u64,
    }
    /// A machine's boot stands still.
    BootStalled = "boot.stalled" Boot Err {
        /// The last stage it reached.
        stage: String,
        /// The cause, in words.
        cause: String,
        /// What the operator can do.
        next_step: String,
    }

    /// A machine will boot a profile once.
    BootArmed = "boot.armed" Boot Notice {
        /// The profile.
        profile: String,
        /// What it boots afterwards.
        then: String,
    }
    /// A machine came to the kernel of what it is armed with: one of its tries.
    BootTried = "boot.tried" Boot Notice {
        /// The profile.
        profile: String,
        /// When this boot began.
        boot: Timestamp,
        /// The first, the second.
        number: u32,
        /// How many it has.
        tries: u32,
    }
    /// What a machine was armed with is done, or was taken back.
    BootDisarmed = "boot.disarmed" Boot Notice {
        /// The profile.
        profile: String,
        /// What shows it, in words.
        evidence: String,
        /// What it boots from now on; empty where that is as before.
        then: String,
    }
    /// What a machine was armed with had its boots, and nothing shows that it came to its end.
    BootSpent = "boot.spent" Boot Warning {
        /// The profile.
        profile: String,
        /// How many boots.
        tries: u32,
    }
    /// The machine's user chose an entry of its menu.
    BootChosen = "boot.chosen" Boot Info {
        /// The profile.
        profile: String,
    }
    /// A machine that is armed was told the secrets that are for it.
    BootTold = "boot.told" Boot Notice {
        /// The answer file that holds them, as it was asked for: `answers/preseed.cfg`.
        file: String,
    }
    /// A machine's firmware got on with a boot file that is not the first it is given; from now on it is.
    BootLearned = "boot.learned" Boot Notice {
        /// Option 93.
        architecture: Option<Architecture>,
        /// The program.
        boot_file: String,
    }
    /// A machine loads loaders or scripts without end; it is given nothing until its power is switched or conf changes.
    BootLooped = "boot.looped" Boot Err {
        /// The cause, in words.
        cause: String,
        /// What the operator can do.
        next_step: String,
        /// Then it is given something again in any case.
        until: Timestamp,
    }

    /// The packets of a boot are being kept, and at its end are.
    BootRecorded = "boot.recorded" Boot Debug {
        /// The pcapng file.
        file: String,
        /// Power-on, or the first packet: which boot it is.
        began: Timestamp,
        /// How many packets it has; 0 as it begins.
        packets: u64,
        /// Its size.
        bytes: u64,
        /// Packets that the system had no room for, of all machines meanwhile.
        dropped: u64,
    }
    /// The packets of a boot cannot be kept.
    BootUnrecorded = "boot.unrecorded" Boot Warning {
        /// The file that they should go to.
        file: String,
        /// Which boot it is.
        began: Timestamp,
        /// In words.
        error: String,
        /// What the operator can do.
        next_step: String,
    }
    /// The packets of an old boot were let go, as `record` says.
    BootDiscarded = "boot.discarded" Boot Debug {
        /// The file that is gone.
        file: String,
    }

    /// A file that a profile names is being fetched, or goes on being.
    FetchBegun = "fetch.begun" Fetch Info {
        /// The profile.
        profile: String,
        /// The file's path below `tftpboot`.
        file: String,
        /// Where it comes from, without a password.
        url: String,
        /// Its bytes, where that is known.
        size: Option<u64>,
        /// Bytes that are there already.
        bytes: u64,
    }
    /// The fetching of a file went on.
    FetchProgressed = "fetch.progressed" Fetch Debug {
        /// The profile.
        profile: String,
        /// The file's path below `tftpboot`.
        file: String,
        /// Its bytes, where that is known.
        size: Option<u64>,
        /// Bytes that are there.
        bytes: u64,
        /// Milliseconds since it was begun.
        millis: u64,
    }
    /// A file was fetched, its digest is right, and it is in its place.
    FetchCompleted = "fetch.completed" Fetch Notice {
        /// The profile.
        profile: String,
        /// The file's path below `tftpboot`.
        file: String,
        /// Its bytes.
        bytes: u64,
        /// Milliseconds since it was begun.
        millis: u64,
    }
    /// A file was in its place already, with the right digest.
    FetchFound = "fetch.found" Fetch Info {
        /// The profile.
        profile: String,
        /// The file's path below `tftpboot`.
        file: String,
    }
    /// A file could not be fetched; what is in its place, if anything, is as it was.
    FetchFailed = "fetch.failed" Fetch Err {
        /// The profile.
        profile: String,
        /// The file's path below `tftpboot`.
        file: String,
        /// Where it was to come from, without a password.
        url: String,
        /// What went wrong, in words.
        error: String,
        /// What the operator can do.
        next_step: String,
        /// Bytes that are kept for the next time.
        kept: u64,
    }
    /// Fetching the files of a profile was not begun.
    FetchRefused = "fetch.refused" Fetch Err {
        /// The profile.
        profile: String,
        /// Why, in words.
        error: String,
        /// What the operator can do.
        next_step: String,
    }
    /// Every file of a profile was looked after.
    FetchEnded = "fetch.ended" Fetch Info {
        /// The profile.
        profile: String,
        /// Files that were fetched.
        fetched: usize,
        /// Files that were there.
        found: usize,
        /// Files that are missing.
        failed: usize,
    }

    /// A machine got its root file system over NFS.
    NfsMounted = "nfs.mounted" Nfs Info {
        /// The base.
        base: String,
        /// Where what it changes is kept.
        folder: String,
        /// What lays the one over the other, in words.
        by: String,
        /// It had it before this program began, and goes on.
        resumed: bool,
    }
    /// A machine gave its root file system back.
    NfsUnmounted = "nfs.unmounted" Nfs Info {
        /// The base.
        base: String,
    }
    /// Machines have their roots from this host's own NFS server, for which the operator runs a script.
    NfsHanded = "nfs.handed" Nfs Notice {
        /// How many.
        machines: u64,
        /// The script.
        file: String,
    }
    /// Somebody was not let in.
    NfsRefused = "nfs.refused" Nfs Warning {
        /// Who.
        source: IpAddr,
        /// The path asked for.
        path: Option<String>,
        /// In words.
        reason: String,
    }
    /// Something about root file systems does not work.
    NfsFailed = "nfs.failed" Nfs Err {
        /// What was being done, and where.
        doing: String,
        /// What the system says.
        error: String,
        /// What the operator can do.
        next_step: String,
    }
    /// A base was made: of packages, or of what a machine saw.
    RootMade = "root.made" Nfs Notice {
        /// Its name.
        base: String,
        /// The base that the machine had; none where it was made of packages.
        of: Option<String>,
        /// Its kernel.
        kernel: String,
    }
    /// What a machine had changed so far was kept.
    RootSnapshotted = "root.snapshotted" Nfs Notice {
        /// What the snapshot is called.
        snapshot: String,
    }
    /// What a machine had changed was taken away.
    RootReset = "root.reset" Nfs Notice {
        /// The snapshot that was put in its place.
        to: Option<String>,
    }

    /// Packets or requests that make no sense arrived; told once a second a source.
    PacketRejected = "packet.rejected" Program Warning {
        /// Whose port they came to.
        service: Service,
        /// Who sent them.
        source: IpAddr,
        /// What was wrong with the last one: what, where, and what was expected.
        error: String,
        /// How many since the last report.
        count: u64,
    }

    /// A machine's files were looked at, and are as they are kept: nothing was written.
    TrackLooked = "track.looked" Track Debug {
        /// The container, where it is one of the machine's.
        container: Option<String>,
        /// Files that are kept.
        files: u64,
        /// From the begin to the end.
        millis: u64,
    }
    /// A machine's files were other than they were kept, and are kept anew.
    TrackChanged = "track.changed" Track Notice {
        /// The container, where it is one of the machine's.
        container: Option<String>,
        /// The commit in `hosts/`.
        commit: String,
        /// Its first line, without the machine's name.
        subject: String,
        /// Files that are new.
        added: u64,
        /// Files that are other.
        changed: u64,
        /// Files that are gone.
        removed: u64,
        /// What made it: `recipe nginx`, where that is known.
        cause: Option<String>,
        /// From the begin to the end.
        millis: u64,
    }
    /// A machine's files could not be looked at, or not be kept.
    TrackFailed = "track.failed" Track Warning {
        /// The container, where it is one of the machine's.
        container: Option<String>,
        /// What was being done.
        doing: String,
        /// What went wrong.
        error: String,
        /// What helps.
        next_step: String,
    }
    /// Files of a machine are left out that its `track` names.
    TrackLeft = "track.left" Track Warning {
        /// The container, where it is one of the machine's.
        container: Option<String>,
        /// The first of them, printable.
        paths: Vec<String>,
        /// How many there are.
        count: u64,
        /// Why.
        reason: String,
    }
    /// How much of a machine is in use.
    TrackMeasured = "track.measured" Track Debug {
        /// The container, where it is one of the machine's.
        container: Option<String>,
        /// Processors.
        cpus: u32,
        /// Load over a minute, in hundredths of a processor.
        load: u32,
        /// Bytes of memory, and of them in use.
        memory: u64,
        /// See `memory`.
        memory_used: u64,
        /// Bytes of the root file system, and of them in use.
        disk: u64,
        /// See `disk`.
        disk_used: u64,
    }
    /// A file of a machine was put back to what it was.
    TrackRestored = "track.restored" Track Notice {
        /// The container, where it is one of the machine's.
        container: Option<String>,
        /// Which, printable.
        path: String,
        /// The commit that it is from.
        commit: String,
        /// Who asked.
        by: Asker,
    }
    /// A machine's public keys are trusted from now on.
    TrackTrusted = "track.trusted" Track Notice {
        /// As `ssh-keygen -l` prints them: `SHA256:…`, the first of them.
        fingerprint: String,
        /// Who trusts them.
        by: Asker,
    }
    /// The repository was broken, and a new one goes on.
    TrackRepaired = "track.repaired" Track Warning {
        /// Where the broken one is kept.
        kept: String,
        /// What was wrong with it.
        error: String,
    }
    /// A machine's recovery document was written.
    TrackDocumented = "track.documented" Track Debug {
        /// Its file, Markdown.
        file: String,
    }
    /// A recipe was begun on a machine.
    RecipeBegun = "recipe.begun" Recipe Info {
        /// Its name.
        recipe: String,
        /// The container, where it is one of the machine's.
        container: Option<String>,
        /// How far it is to go.
        manner: RecipeManner,
        /// Who asked.
        by: Asker,
    }
    /// A line that a recipe printed.
    RecipeSaid = "recipe.said" Recipe Debug {
        /// Its name.
        recipe: String,
        /// The container, where it is one of the machine's.
        container: Option<String>,
        /// Made printable.
        text: String,
        /// On standard error.
        error: bool,
    }
    /// A recipe came to its end on a machine.
    RecipeEnded = "recipe.ended" Recipe Notice {
        /// Its name.
        recipe: String,
        /// The container, where it is one of the machine's.
        container: Option<String>,
        /// How far it was to go.
        manner: RecipeManner,
        /// What came of it.
        came: Came,
        /// SHA-256 of the recipe with its files, in hexadecimal.
        digest: String,
        /// Files that it changed (or would), printable; the first 200.
        changed: Vec<String>,
        /// The commit with what it changed in `hosts/`.
        commit: Option<String>,
        /// From the begin to the end.
        millis: u64,
    }
    /// A recipe could not be carried through on a machine.
    RecipeFailed = "recipe.failed" Recipe Err {
        /// Its name.
        recipe: String,
        /// The container, where it is one of the machine's.
        container: Option<String>,
        /// How far it was to go.
        manner: RecipeManner,
        /// What went wrong.
        error: String,
        /// What helps.
        next_step: String,
    }
    /// A check came through for the first time.
    CheckPassed = "check.passed" Watch Debug {
        /// Its name: `ping`, `tcp 22`.
        check: String,
        /// What was found, in words.
        said: String,
    }
    /// A check that came through does so no longer.
    CheckFailed = "check.failed" Watch Warning {
        /// Its name: `ping`, `tcp 22`.
        check: String,
        /// What was found, in words.
        said: String,
        /// How many times in a row.
        times: u32,
    }
    /// A check that failed comes through again.
    CheckRecovered = "check.recovered" Watch Notice {
        /// Its name: `ping`, `tcp 22`.
        check: String,
        /// What was found, in words.
        said: String,
        /// How long it did not come through.
        millis: u64,
    }
    /// A check is not done any longer, or not for now: its machine is off, or conf has it no more.
    CheckPaused = "check.paused" Watch Debug {
        /// Its name: `ping`, `tcp 22`.
        check: String,
        /// Why.
        reason: String,
    }
    /// A host that is not in conf was seen on the segment.
    HostSeen = "host.seen" Watch Notice {
        /// How.
        by: Sighting,
        /// Who made its card, where the first octets of its address say so.
        vendor: Option<String>,
        /// What it calls itself, made printable.
        name: Option<String>,
    }
    /// What hangs at the other end of a cable told of itself (LLDP, IEEE 802.1AB).
    LinkTold = "link.told" Watch Info {
        /// Its name, made printable.
        system: String,
        /// Its port, made printable.
        port: String,
    }
    /// Another DHCP server answers on the segment. The machine is that server.
    RivalFound = "rival.found" Watch Err {
        /// Its address (option 54, else the packet's source).
        server: Ipv4Addr,
        /// Who made its card.
        vendor: Option<String>,
        /// What it offered, where it did.
        offered: Option<Ipv4Addr>,
    }
    /// Another DHCP server does not answer any longer.
    RivalGone = "rival.gone" Watch Notice {
        /// Its address.
        server: Ipv4Addr,
    }
    /// Two cards have one address.
    AddressContested = "address.contested" Watch Err {
        /// The address.
        address: Ipv4Addr,
        /// Those that claim it.
        macs: Vec<Mac>,
    }
    /// Only one card has the address again.
    AddressSettled = "address.settled" Watch Notice {
        /// The address.
        address: Ipv4Addr,
    }
    /// A rule holds; it is told when it does so for as long as the rule wants.
    AlertPending = "alert.pending" Alert Debug {
        /// The rule: a name of `alerts`.
        rule: String,
        /// What of the machine, or of the segment: `tcp 22`; empty where it is the whole.
        subject: String,
        /// How much it matters.
        severity: Severity,
        /// What is so, in words.
        text: String,
    }
    /// An alert that waited was over before it fired.
    AlertWithdrawn = "alert.withdrawn" Alert Debug {
        /// The rule's name.
        rule: String,
        /// What of the machine; empty for the whole of it.
        subject: String,
        /// Milliseconds since it began to wait.
        millis: u64,
    }
    /// An alert fires: it is told to who is to know.
    AlertFired = "alert.fired" Alert Err {
        /// The rule: a name of `alerts`.
        rule: String,
        /// What of the machine, or of the segment: `tcp 22`; empty where it is the whole.
        subject: String,
        /// How much it matters.
        severity: Severity,
        /// What is so, in words.
        text: String,
    }
    /// An alert is over.
    AlertResolved = "alert.resolved" Alert Notice {
        /// The rule: a name of `alerts`.
        rule: String,
        /// What of the machine, or of the segment.
        subject: String,
        /// Why.
        cause: Cause,
        /// How long it fired, or waited to.
        millis: u64,
    }
    /// Somebody looks after it: it is told no more until it is over.
    AlertAcknowledged = "alert.acknowledged" Alert Notice {
        /// The rule: a name of `alerts`.
        rule: String,
        /// What of the machine, or of the segment.
        subject: String,
        /// Who.
        by: Asker,
        /// What they say to it.
        note: Option<String>,
    }
    /// Alerts of a rule are not told for a time; also the next.
    AlertSilenced = "alert.silenced" Alert Notice {
        /// The rule: a name of `alerts`; none for all of the machine, or of the segment.
        rule: Option<String>,
        /// What of the machine, or of the segment; none for all.
        subject: Option<String>,
        /// Until then.
        until: Timestamp,
        /// Who.
        by: Asker,
    }
    /// Alerts are told again before the time is over.
    AlertUnsilenced = "alert.unsilenced" Alert Notice {
        /// As in the silence.
        rule: Option<String>,
        /// As in the silence.
        subject: Option<String>,
        /// Who.
        by: Asker,
    }
    /// An alert comes and goes: it stays until it is quiet.
    AlertDamped = "alert.damped" Alert Warning {
        /// The rule: a name of `alerts`.
        rule: String,
        /// What of the machine, or of the segment.
        subject: String,
        /// How many times within the hour.
        times: u32,
    }
    /// Who is to know of an alert was told.
    AlertDelivered = "alert.delivered" Alert Debug {
        /// The rule: a name of `alerts`.
        rule: String,
        /// What of the machine, or of the segment.
        subject: String,
        /// A name of `receivers`.
        receiver: String,
        /// How: `email`, `webhook`.
        means: Means,
        /// It was told that it is over.
        over: bool,
        /// Which try it was, from 1.
        tries: u32,
    }
    /// Who is to know of an alert could not be told.
    AlertUndelivered = "alert.undelivered" Alert Warning {
        /// The rule: a name of `alerts`.
        rule: String,
        /// What of the machine, or of the segment.
        subject: String,
        /// A name of `receivers`.
        receiver: String,
        /// How: `email`, `webhook`.
        means: Means,
        /// It was to be told that it is over.
        over: bool,
        /// What went wrong.
        error: String,
        /// What helps.
        next_step: String,
        /// It is tried again after so many milliseconds; none where it is given up.
        retry: Option<u64>,
    }
    /// Trends cannot be written; what was measured meanwhile is lost beyond what waits in memory.
    TrendFailed = "trend.failed" Watch Warning {
        /// What went wrong.
        error: String,
        /// What helps.
        next_step: String,
    }
    /// Trends are written again.
    TrendRecovered = "trend.recovered" Watch Notice {
        /// Values that were lost.
        lost: u64,
    }
    /// Somebody came in by the page, to do more than read.
    PageEntered = "page.entered" Page Notice {
        /// Who.
        user: String,
        /// From where.
        address: String,
    }
    /// Somebody was not let in by the page, or not let do something; told once a second a source.
    PageRefused = "page.refused" Page Warning {
        /// From where.
        address: String,
        /// What they wanted: `login as anna`.
        wanted: String,
        /// Why not.
        reason: String,
        /// How many since the last report.
        count: u64,
    }
    /// Somebody did something by the page or its interface for programs.
    PageActed = "page.acted" Page Notice {
        /// Who.
        user: String,
        /// From where.
        address: String,
        /// What, in words: `power on web1`.
        what: String,
    }
    /// A virtual machine was made, with its disk and its folder in conf.
    VmCreated = "vm.created" Vm Notice {
        /// Its name.
        hostname: String,
        /// Its disk's file.
        disk: String,
        /// The snapshot that the disk hangs on, or the image that it was copied from.
        from: String,
    }
    /// A machine's disk was kept as it was.
    VmSnapshotted = "vm.snapshotted" Vm Notice {
        /// The snapshot's name.
        snapshot: String,
        /// The disk.
        disk: String,
        /// How still it was: `off`, `frozen` by a guest agent, or `running`, as after a power cut.
        state: String,
        /// Bytes that the snapshot takes.
        bytes: u64,
    }
    /// A virtual machine, a disk or a snapshot was removed.
    VmRemoved = "vm.removed" Vm Notice {
        /// In words.
        what: String,
        /// Bytes that are free again.
        bytes: u64,
    }

    /// A server began to listen.
    ServiceStarted = "service.started" Program Info {
        /// Which.
        service: Service,
        /// Address and port, or interface.
        address: String,
    }
    /// A server broke and will be tried again.
    ServiceFailed = "service.failed" Program Err {
        /// Which.
        service: Service,
        /// In words, with causes.
        error: String,
        /// What the operator can do.
        next_step: String,
        /// Milliseconds until it is tried again.
        retry: u64,
    }
    /// A server ended because it was told to.
    ServiceStopped = "service.stopped" Program Info {
        /// Which.
        service: Service,
    }
    /// The console broke; the servers go on.
    ConsoleFailed = "console.failed" Program Err {
        /// In words.
        error: String,
    }
    /// The bus was full: events were dropped before this reader saw them.
    EventsDropped = "events.dropped" Program Warning {
        /// `state` or `journal`.
        reader: String,
        /// How many since the last report.
        count: u64,
    }
    /// The journal cannot be written; events wait in memory.
    JournalFailed = "journal.failed" Program Err {
        /// In words.
        error: String,
        /// What the operator can do.
        next_step: String,
        /// How many events wait.
        waiting: u64,
    }
    /// The journal is written again.
    JournalRecovered = "journal.recovered" Program Notice {
        /// How many events had waited.
        waiting: u64,
    }
    /// Old events were taken out of the journal, as `keep` says.
    JournalPruned = "journal.pruned" Program Info {
        /// How many.
        events: u64,
        /// What happened before this is gone.
        before: Timestamp,
    }
    /// A CouchDB database does not take events; they wait in the journal.
    AuditFailed = "audit.failed" Program Err {
        /// Its URL, without who asks.
        database: String,
        /// In words.
        error: String,
        /// What the operator can do.
        next_step: String,
        /// How many events wait for it.
        behind: u64,
    }
    /// A CouchDB database takes events again.
    AuditRecovered = "audit.recovered" Program Notice {
        /// Its URL, without who asks.
        database: String,
        /// How many events wait for it.
        behind: u64,
    }
    /// A CouchDB database that has nothing of this journal, new or made anew, is being filled.
    AuditBegun = "audit.begun" Program Notice {
        /// Its URL, without who asks.
        database: String,
        /// How many events wait for it.
        behind: u64,
    }
    /// The program began.
    ProgramStarted = "program.started" Program Notice {
        /// Its version.
        version: String,
    }
    /// The program ended in good order.
    ProgramStopped = "program.stopped" Program Notice {
        /// `quit`, `SIGTERM` …
        reason: String,
    }
}

impl Fact {
    /// The console's terminal is to ring.
    pub fn rings(&self) -> bool {
        matches!(self, Fact::AlertDelivered { means: Means::Bell, over: false, .. })
    }

    /// The part of the program that this is about.
    pub fn service(&self) -> Service {
        match self {
            Fact::PacketRejected { service, .. }
            | Fact::ServiceStarted { service, .. }
            | Fact::ServiceFailed { service, .. }
            | Fact::ServiceStopped { service } => *service,
            other => other.usual_service(),
        }
    }

    /// How much it matters; a machine's message keeps its own severity.
    pub fn severity(&self) -> Severity {
        match self {
            Fact::SyslogReceived { severity, .. } | Fact::AlertFired { severity, .. } => *severity,
            other => other.usual_severity(),
        }
    }
}
