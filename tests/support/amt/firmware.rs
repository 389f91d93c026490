//! What the device keeps and does: power, the next boot, alarms; and its answer to each message.

use super::{
    Fault, Inside, TICK,
    door::Door,
    message::{Answer, ENUMERATION, Message, TRANSFER, instance},
};
use jiff::Timestamp;
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread,
};

/// The name and the password of all devices.
pub const LOGIN: (&str, &str) = ("admin", "P@ssw0rd1");

/// How a device switches its machine. Each says whether it came about.
pub struct Drive {
    pub on: Box<dyn Fn() -> bool + Send + Sync>,
    pub off: Box<dyn Fn() -> bool + Send + Sync>,
    pub reset: Box<dyn Fn() -> bool + Send + Sync>,
    pub is_on: Box<dyn Fn() -> bool + Send + Sync>,
}

impl Drive {
    /// Of a machine that is but a word.
    pub fn imagined(on: bool) -> Drive {
        let power = Arc::new(AtomicBool::new(on));
        let set = |to| {
            let power = power.clone();
            Box::new(move || {
                power.store(to, SeqCst);
                true
            })
        };
        let (on, off, reset) = (set(true), set(false), set(true));
        Drive { on, off, reset, is_on: Box::new(move || power.load(SeqCst)) }
    }
}

/// What the device keeps.
pub struct Firmware {
    pub door: Door,
    pub alarms: BTreeMap<String, Timestamp>,
    mac: String,
    boot: BTreeMap<String, String>,
    source: Option<String>,
    role: String,
    watched: bool,
    said: usize,
}

impl Firmware {
    pub fn new(mac: &str) -> Firmware {
        let boot = [
            ("BIOSLastStatus", "0"),
            ("BIOSPause", "false"),
            ("BIOSSetup", "false"),
            ("BootMediaIndex", "0"),
            ("ElementName", "Intel(r) AMT Boot Configuration Settings"),
            ("InstanceID", "Intel(r) AMT:BootSettingData 0"),
            ("OwningEntity", "Intel(r) AMT"),
            ("UseIDER", "false"),
            ("UseSOL", "false"),
        ];
        let boot = boot.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let (alarms, door) = (BTreeMap::new(), Door::new(mac));
        let mac = mac.replace(':', "-").to_uppercase();
        Firmware { door, alarms, mac, boot, source: None, role: String::new(), watched: false, said: 0 }
    }

    /// Where the next boot goes, once role 1 made it so.
    pub fn next_boot(&self) -> Option<String> {
        let setup = self.boot["BIOSSetup"] == "true";
        let next = self.source.clone().or(setup.then(|| "setup".to_owned()));
        next.filter(|_| self.role == "1")
    }
}

/// The answer to a message: status and body.
pub fn answer(inside: &Arc<Inside>, text: &str) -> (u16, String) {
    let Some(message) = Message::read(text) else { return (400, String::new()) };
    let answer = decide(inside, &message);
    let mut firmware = inside.firmware.lock().unwrap();
    firmware.said += 1;
    (answer.status, answer.envelope(message.text("MessageID"), firmware.said))
}

fn decide(inside: &Arc<Inside>, message: &Message) -> Answer {
    let (action, resource) = (message.text("Action"), message.text("ResourceURI"));
    let last = |text: &str| text.rsplit('/').next().unwrap_or_default().to_owned();
    let (verb, class) = (last(action), last(resource));
    let of_class = if action.starts_with(resource) { verb.clone() } else { format!("{verb} {class}") };
    inside.count(&of_class);
    let unknown = || {
        let reason = "No route can be determined to reach the destination role defined by the WS-Addressing To.";
        Answer::fault("b:DestinationUnreachable", reason)
    };
    if action == format!("{resource}/{verb}") {
        let value = match inside.fault() {
            Fault::Returns(value) => value,
            _ => match invoke(inside, &verb, message) {
                Some(value) => value,
                None => return Answer::fault("b:ActionNotSupported", "The action is not supported by the service."),
            },
        };
        let body =
            format!("<g:{verb}_OUTPUT xmlns:g=\"{resource}\"><g:ReturnValue>{value}</g:ReturnValue></g:{verb}_OUTPUT>");
        return Answer::new(format!("{action}Response"), resource, body);
    }
    match (action.rsplit_once('/').map(|(begin, _)| begin), verb.as_str()) {
        (Some(TRANSFER), "Get") => match instances(inside, resource, &class).and_then(|found| found.into_iter().next())
        {
            Some(found) => Answer::new(format!("{TRANSFER}/GetResponse"), resource, found),
            None => unknown(),
        },
        (Some(TRANSFER), "Put") if class == "AMT_BootSettingData" => {
            if message.texts.iter().any(|(name, _)| name == "BIOSLastStatus") {
                return Answer::fault(
                    "e:InvalidRepresentation",
                    "The content is not valid: BIOSLastStatus is read-only.",
                );
            }
            let mut firmware = inside.firmware.lock().unwrap();
            for (name, value) in &message.texts {
                if let Some(kept) = firmware.boot.get_mut(name) {
                    kept.clone_from(value);
                }
            }
            drop(firmware);
            let found = instances(inside, resource, &class).unwrap_or_default().concat();
            Answer::new(format!("{TRANSFER}/PutResponse"), resource, found)
        }
        (Some(TRANSFER), "Delete") if class == "IPS_AlarmClockOccurrence" => {
            match inside.firmware.lock().unwrap().alarms.remove(message.text("Selector")) {
                Some(_) => Answer::new(format!("{TRANSFER}/DeleteResponse"), resource, ""),
                None => Answer::fault("c:InvalidSelectors", "The Selectors for the resource are not valid."),
            }
        }
        (Some(ENUMERATION), "Enumerate") if instances(inside, resource, &class).is_some() => {
            let context = format!("<g:EnumerationContext>{class}:0</g:EnumerationContext>");
            let body = format!("<g:EnumerateResponse xmlns:g=\"{ENUMERATION}\">{context}</g:EnumerateResponse>");
            Answer::new(format!("{ENUMERATION}/EnumerateResponse"), resource, body)
        }
        (Some(ENUMERATION), "Pull") => pull(inside, resource, &class, message).unwrap_or_else(unknown),
        (Some(ENUMERATION | TRANSFER), _) => unknown(),
        _ => Answer::fault("b:ActionNotSupported", "The action is not supported by the service."),
    }
}

/// Two instances a message, so that lists have to be pulled to their end.
fn pull(inside: &Inside, resource: &str, class: &str, message: &Message) -> Option<Answer> {
    let from: usize = message.text("EnumerationContext").strip_prefix(&format!("{class}:"))?.parse().ok()?;
    let all = instances(inside, resource, class)?;
    let to = all.len().min(from + 2);
    let items = all.get(from..to)?.concat();
    let more = match to < all.len() {
        true => format!("<g:EnumerationContext>{class}:{to}</g:EnumerationContext><g:Items>{items}</g:Items>"),
        false => format!("<g:Items>{items}</g:Items><g:EndOfSequence></g:EndOfSequence>"),
    };
    let body = format!("<g:PullResponse xmlns:g=\"{ENUMERATION}\">{more}</g:PullResponse>");
    Some(Answer::new(format!("{ENUMERATION}/PullResponse"), resource, body))
}

/// Calls a method; what it returns. None of one that there is not.
fn invoke(inside: &Arc<Inside>, method: &str, message: &Message) -> Option<u32> {
    match method {
        "RequestPowerStateChange" => Some(power(inside, message.text("PowerState"))),
        "ChangeBootOrder" => {
            let source = message.all("Selector").find(|selector| selector.contains("Force")).map(str::to_owned);
            inside.firmware.lock().unwrap().source = source;
            Some(0)
        }
        "SetBootConfigRole" => {
            inside.firmware.lock().unwrap().role = message.text("Role").to_owned();
            Some(0)
        }
        "AddAlarm" => {
            let (name, due) = (message.text("InstanceID"), message.text("Datetime").parse());
            let Ok(due) = due else { return Some(5) };
            let mut firmware = inside.firmware.lock().unwrap();
            if name.is_empty() {
                return Some(5);
            }
            if firmware.alarms.len() >= 5 || firmware.alarms.contains_key(name) {
                return Some(2);
            }
            firmware.alarms.insert(name.to_owned(), due);
            drop(firmware);
            watch_clock(inside);
            Some(0)
        }
        _ => None,
    }
}

fn power(inside: &Inside, state: &str) -> u32 {
    let Drive { on, off, reset, is_on } = &inside.drive;
    let fault = inside.fault();
    let does = |act: &(dyn Fn() -> bool + Send + Sync)| u32::from(fault != Fault::NoEffect && !act());
    match (state, is_on()) {
        ("2", false) => does(on),
        ("12" | "14", true) if fault == Fault::OnlyHard => 2,
        ("8" | "12", true) => does(off),
        ("5" | "10" | "14", true) => does(reset),
        ("2" | "5" | "8" | "10" | "12" | "14", _) => 2,
        _ => 36,
    }
}

/// Lets alarms go off, from the first that is set on.
pub fn watch_clock(inside: &Arc<Inside>) {
    if std::mem::replace(&mut inside.firmware.lock().unwrap().watched, true) {
        return;
    }
    let inside = inside.clone();
    thread::spawn(move || {
        while !inside.stopped.load(SeqCst) {
            let now = Timestamp::now();
            let mut firmware = inside.firmware.lock().unwrap();
            let all = firmware.alarms.len();
            firmware.alarms.retain(|_, due| *due > now);
            let rings = firmware.alarms.len() < all;
            drop(firmware);
            if rings && !(inside.drive.is_on)() {
                (inside.drive.on)();
            }
            thread::sleep(TICK);
        }
    });
}

/// The instances of a class as XML; none of a class that there is not.
fn instances(inside: &Inside, resource: &str, class: &str) -> Option<Vec<String>> {
    let one = |fields: &[(&str, &str)]| instance(resource, class, fields);
    let fault = inside.fault();
    Some(match class {
        "CIM_AssociatedPowerManagementService" => {
            let on = (inside.drive.is_on)();
            let can: &[&str] = match (on, &fault) {
                (false, _) => &["2"],
                (true, Fault::OnlyHard) => &["8", "5", "10"],
                (true, _) => &["8", "5", "10", "12", "14"],
            };
            let mut fields: Vec<_> = can.iter().map(|state| ("AvailableRequestedPowerStates", *state)).collect();
            fields.extend([("PowerState", if on { "2" } else { "8" }), ("RequestedPowerState", "2")]);
            vec![one(&fields)]
        }
        "CIM_PowerManagementService" | "CIM_BootService" | "AMT_AlarmClockService" => {
            vec![one(&[("CreationClassName", class), ("EnabledState", "5"), ("SystemName", "Intel(r) AMT")])]
        }
        "AMT_GeneralSettings" => {
            let realm = inside.firmware.lock().unwrap().door.realm().to_owned();
            let name = [("DigestRealm", realm.as_str()), ("DomainName", ""), ("HostName", "amt-host")];
            vec![one(&[&name[..], &[("InstanceID", "Intel(r) AMT: General Settings")]].concat())]
        }
        "AMT_EthernetPortSettings" => {
            let mac = inside.firmware.lock().unwrap().mac.clone();
            let mac = if fault == Fault::OtherMac { "52-54-00-FF-FF-FF" } else { &mac };
            let ports = [
                ("Intel(r) AMT Ethernet Port Settings 0", mac),
                ("Intel(r) AMT Ethernet Port Settings 1", "00-00-00-00-00-00"),
            ];
            ports
                .iter()
                .map(|(id, mac)| one(&[("InstanceID", id), ("LinkIsUp", "true"), ("MACAddress", mac)]))
                .collect()
        }
        "AMT_BootSettingData" => {
            let boot = inside.firmware.lock().unwrap().boot.clone();
            vec![one(&boot.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>())]
        }
        "CIM_BootSourceSetting" => ["Force Hard-drive Boot", "Force PXE Boot", "Force CD/DVD Boot"]
            .map(|name| {
                one(&[("ElementName", "Intel(r) AMT: Boot Source"), ("InstanceID", &format!("Intel(r) AMT: {name}"))])
            })
            .to_vec(),
        "CIM_SoftwareIdentity" => {
            [("Flash", "16.1.25"), ("Netstack", "16.1.25"), ("AMT", "16.1.25"), ("Build Number", "2124")]
                .map(|(name, version)| one(&[("InstanceID", name), ("IsEntity", "true"), ("VersionString", version)]))
                .to_vec()
        }
        "IPS_AlarmClockOccurrence" => {
            let alarm = |(name, due): (&String, &Timestamp)| {
                let name = name.replace('&', "&amp;").replace('<', "&lt;");
                let time = due.strftime("%Y-%m-%dT%H:%M:%SZ");
                let common = "http://schemas.dmtf.org/wbem/wscim/1/common";
                let time = format!("<p:Datetime xmlns:p=\"{common}\">{time}</p:Datetime>");
                one(&[
                    ("DeleteOnCompletion", "true"),
                    ("ElementName", &name),
                    ("InstanceID", &name),
                    ("StartTime", &time),
                ])
            };
            inside.firmware.lock().unwrap().alarms.iter().map(alarm).collect()
        }
        _ => return None,
    })
}
