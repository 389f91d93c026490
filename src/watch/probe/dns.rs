//! DNS: asks a server for a name's address over UDP (RFC 1035).

use super::{Look, shown};
use hickory_proto::{
    op::{Message, MessageType, OpCode, Query, ResponseCode},
    rr::{Name, RData, RecordType},
};
use std::{
    io,
    net::Ipv4Addr,
    str::FromStr,
    time::{Duration, Instant},
};
use tokio::{net::UdpSocket, time::timeout};

/// What a server gets to answer; it may have to ask others.
const PATIENCE: Duration = Duration::from_secs(3);

/// Asks once.
pub async fn ask(server: Ipv4Addr, name: &str, wanted: Option<Ipv4Addr>) -> Look {
    let Ok(asked) = Name::from_str(&format!("{}.", name.trim_end_matches('.'))) else {
        return Look::wrong(format!("{name:?} is no name of DNS"));
    };
    let began = Instant::now();
    match timeout(PATIENCE, exchange(server, &asked)).await {
        Err(_) => Look::wrong(format!("no answer within {} s", PATIENCE.as_secs())),
        Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => Look::wrong("nobody listens at port 53"),
        Ok(Err(error)) => Look::wrong(format!("no answer: {error}")),
        Ok(Ok(answer)) => judge(&answer, name, wanted, began.elapsed()),
    }
}

async fn exchange(server: Ipv4Addr, name: &Name) -> io::Result<Message> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
    // Connected, so that nobody else's answer counts, and a closed port is told.
    socket.connect((server, 53)).await?;
    let mut question = Message::query();
    let id = question.metadata.id;
    question.metadata.recursion_desired = true;
    question.add_query(Query::query(name.clone(), RecordType::A));
    socket.send(&question.to_vec().map_err(io::Error::other)?).await?;
    let mut buffer = vec![0; 4096];
    loop {
        let length = socket.recv(&mut buffer).await?;
        match Message::from_vec(&buffer[..length]) {
            Ok(answer) if answer.metadata.id == id && answer.metadata.message_type == MessageType::Response => {
                return Ok(answer);
            }
            Ok(_) => {}
            Err(error) => return Err(io::Error::other(format!("an answer that makes no sense: {error}"))),
        }
    }
}

fn judge(answer: &Message, name: &str, wanted: Option<Ipv4Addr>, took: Duration) -> Look {
    if answer.metadata.response_code != ResponseCode::NoError || answer.metadata.op_code != OpCode::Query {
        return Look::wrong(format!("it answers {}", answer.metadata.response_code));
    }
    let addresses: Vec<Ipv4Addr> = answer
        .answers
        .iter()
        .filter_map(|record| match &record.data {
            RData::A(address) => Some(address.0),
            _ => None,
        })
        .collect();
    let listed = addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match wanted {
        _ if addresses.is_empty() => Look::wrong(format!("it knows no address of {name}")),
        Some(wanted) if !addresses.contains(&wanted) => Look::wrong(format!("{name} is {listed}; expected {wanted}")),
        _ => Look::well(format!("{name} is {listed}, in {}", shown(took)), Some(took)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_proto::rr::{Record, rdata};

    #[test]
    fn answers() {
        let name = Name::from_str("www.lan.").unwrap();
        let of = |code: ResponseCode, addresses: &[[u8; 4]]| {
            let mut message = Message::new(1, MessageType::Response, OpCode::Query);
            message.metadata.response_code = code;
            message.answers = addresses
                .iter()
                .map(|a| Record::from_rdata(name.clone(), 60, RData::A(rdata::A(Ipv4Addr::from(*a)))))
                .collect();
            message
        };
        let wanted = Some(Ipv4Addr::new(10, 77, 0, 60));
        for (message, wanted, well, said) in [
            (of(ResponseCode::NoError, &[[10, 77, 0, 60]]), wanted, true, "www.lan is 10.77.0.60"),
            (of(ResponseCode::NoError, &[[10, 77, 0, 9]]), None, true, "www.lan is 10.77.0.9"),
            (of(ResponseCode::NoError, &[[10, 77, 0, 9]]), wanted, false, "expected 10.77.0.60"),
            (of(ResponseCode::NoError, &[]), None, false, "knows no address"),
            (of(ResponseCode::NXDomain, &[]), None, false, "it answers Non-Existent Domain"),
            (of(ResponseCode::ServFail, &[]), wanted, false, "it answers Server Failure"),
        ] {
            let look = judge(&message, "www.lan", wanted, Duration::from_millis(1));
            assert!(look.well == well && look.said.contains(said), "{look:?}");
        }
    }
}
