use super::*;

fn offered() -> Event {
    Event {
        time: "2026-11-24T09:20:05.123456Z".parse().unwrap(),
        segment: Some(Ipv4Addr::new(10, 77, 0, 1)),
        machine: Some(Ipv4Addr::new(10, 77, 0, 60)),
        mac: Some(Mac([0x52, 0x54, 0, 0, 0, 1])),
        fact: Fact::DhcpOffered {
            xid: 7,
            address: Ipv4Addr::new(10, 77, 0, 60),
            boot_file: Some("ipxe.efi".into()),
            refusal: None,
            lease: 3600,
            source: LeaseSource::Reservation,
        },
    }
}

#[test]
fn an_event_is_one_flat_object() {
    let json = serde_json::to_string(&offered()).unwrap();
    assert_eq!(
        json,
        concat!(
            r#"{"time":"2026-11-24T09:20:05.123456Z","segment":"10.77.0.1","machine":"10.77.0.60","#,
            r#""mac":"52:54:00:00:00:01","service":"dhcp","severity":"info","kind":"dhcp.offered","#,
            r#""details":{"xid":7,"address":"10.77.0.60","boot_file":"ipxe.efi","refusal":null,"lease":3600,"source":"reservation"}}"#
        )
    );
    assert_eq!(serde_json::from_str::<Event>(&json).unwrap(), offered());
}

#[test]
fn a_transfer_lies_flat_in_the_details() {
    let transfer = Transfer { id: 3, file: "vmlinuz".into(), role: Role::Kernel, size: Some(10), bytes: 4, millis: 9 };
    let event = Event::new(None, Fact::of_transfer(Service::Tftp, Step::Abandoned("timeout"), transfer.clone()));
    let json = serde_json::to_value(&event).unwrap();
    assert_eq!(json["details"]["bytes"], 4);
    assert_eq!(json["details"]["reason"], "timeout");
    let back: Event = serde_json::from_value(json).unwrap();
    assert_eq!(back, event);
    assert_eq!(back.fact.transfer(), Some((Step::Abandoned("timeout"), &transfer)));
}

#[test]
fn service_and_severity_may_be_an_events_own() {
    let failed = Fact::ServiceStopped { service: Service::Tftp };
    assert_eq!((failed.service(), failed.kind()), (Service::Tftp, "service.stopped"));
    let message = Fact::SyslogReceived {
        severity: Severity::Crit,
        facility: None,
        tag: None,
        host: None,
        sent: None,
        text: "on fire".into(),
    };
    assert_eq!(message.severity(), Severity::Crit);
}
