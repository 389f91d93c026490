//! DNS of a segment: its own names, and what the servers named in `dns` say of others. The protocol is hickory's.

mod forward;
mod udp;
mod zone;

pub use zone::{Own, look_up, sanitised};

use super::{Context, Rejects, ServerError, who};
use crate::{
    event::{Event, Fact, Service, now},
    net,
};
use forward::Forwarder;
use hickory_proto::{
    op::{HeaderCounts, Metadata, OpCode, ResponseCode},
    rr::{LowerName, Name, RData, Record, RecordType, rdata::SOA},
};
use hickory_server::{
    Server,
    net::runtime::Time,
    server::{Request, RequestHandler, ResponseHandler, ResponseInfo},
    zone_handler::MessageResponseBuilder,
};
use std::{
    net::{IpAddr, SocketAddr},
    str::FromStr,
    sync::Arc,
    time::{Duration, Instant},
};

/// Seconds; machines come and go.
const TTL: u32 = 60;
/// What a TCP client gets between two questions.
const IDLE: Duration = Duration::from_secs(10);
/// Answers that may wait on one TCP connection.
const WAITING: usize = 32;

/// Serves until shutdown.
pub async fn serve(context: Context) -> Result<(), ServerError> {
    let address = SocketAddr::from((context.segment, 53));
    let name = context.interface.name.clone();
    let socket = net::udp(address, Some(&name)).map_err(ServerError::bind(format!("UDP port 53 of {name}")))?;
    let listener = net::tcp(address, Some(&name)).map_err(ServerError::bind(format!("TCP port 53 of {name}")))?;
    let names = Names { context: context.clone(), forwarder: Arc::default() };
    let mut server = Server::new(names.clone());
    server.register_listener(listener, IDLE, WAITING);
    context.started(Service::Dns, format!("UDP and TCP {address}"));
    tokio::select! {
        () = context.shutdown.cancelled() => {
            server.shutdown_token().cancel();
            Ok(())
        }
        ended = udp::serve(socket, names, Rejects::new(&context, Service::Dns)) => {
            ended.map_err(ServerError::io("receiving on UDP port 53"))
        }
        ended = server.block_until_done() => {
            ended.map_err(|error| ServerError::io("serving DNS")(std::io::Error::other(error)))
        }
    }
}

#[derive(Clone)]
struct Names {
    context: Context,
    forwarder: Arc<Forwarder>,
}

/// An answer before it is a message.
struct Answer {
    code: ResponseCode,
    records: Vec<Record>,
    soa: Option<Record>,
    own: bool,
    fact: Fact,
}

#[async_trait::async_trait]
impl RequestHandler for Names {
    async fn handle_request<R: ResponseHandler, T: Time>(&self, request: &Request, mut response: R) -> ResponseInfo {
        let mut metadata = Metadata::response_from_request(&request.metadata);
        let question = request.request_info().ok().map(|info| (info.query.name().clone(), info.query.query_type()));
        let answer = match question {
            Some((name, kind)) if request.metadata.op_code == OpCode::Query => self.answer(&name, kind).await,
            _ => Answer {
                code: if request.metadata.op_code == OpCode::Query {
                    ResponseCode::FormErr
                } else {
                    ResponseCode::NotImp
                },
                records: Vec::new(),
                soa: None,
                own: false,
                fact: Fact::DnsRefused {
                    name: String::new(),
                    record: String::new(),
                    reason: format!("{:?} is not a single question", request.metadata.op_code),
                },
            },
        };
        metadata.response_code = answer.code;
        metadata.authoritative = answer.own;
        metadata.recursion_available = self.context.segment().is_some_and(|segment| !segment.dns.is_empty());
        let builder = MessageResponseBuilder::from_message_request(request);
        let message = builder.build(metadata, answer.records.iter(), [], answer.soa.iter(), []);
        self.tell(request.src().ip(), answer.fact);
        match response.send_response(message).await {
            Ok(info) => info,
            // The client is gone; there is nobody to tell.
            Err(_) => ResponseInfo::from(hickory_proto::op::Header { metadata, counts: HeaderCounts::default() }),
        }
    }
}

impl Names {
    fn tell(&self, source: IpAddr, fact: Fact) {
        let (Some(segment), IpAddr::V4(address)) = (self.context.segment(), source) else { return };
        let asker = who::asker(&self.context, &segment, address);
        self.context.bus.publish(Event::new(Some(self.context.segment), fact).about(Some(address), asker.mac));
    }

    async fn answer(&self, asked: &LowerName, kind: RecordType) -> Answer {
        let (name, record) = (asked.to_string(), kind.to_string());
        let refused = |reason: &str| Answer {
            code: ResponseCode::Refused,
            records: Vec::new(),
            soa: None,
            own: false,
            fact: Fact::DnsRefused { name: name.clone(), record: record.clone(), reason: reason.to_owned() },
        };
        let Some(segment) = self.context.segment() else { return refused("the segment is gone from conf") };
        let full = Name::from(asked);
        let own = {
            let state = self.context.state.read();
            let none = crate::state::Leases::default();
            let leases = state.segments.get(&self.context.segment).map_or(&none, |segment| &segment.leases);
            look_up(&segment, leases, now(), &full, kind)
        };
        let (code, data) = match own {
            Own::Records(data) => (ResponseCode::NoError, data),
            Own::NoSuchName => (ResponseCode::NXDomain, Vec::new()),
            Own::Elsewhere if segment.dns.is_empty() => {
                return refused("it is not of this segment, and conf has no `dns` to ask");
            }
            Own::Elsewhere => return self.forward(&segment.dns, full, kind).await,
        };
        let soa = if data.is_empty() { start_of_authority(&segment.domain) } else { None };
        let answers = data.iter().map(ToString::to_string).collect();
        let records = data.into_iter().map(|data| Record::from_rdata(full.clone(), TTL, data)).collect();
        Answer { code, records, soa, own: true, fact: Fact::DnsAnswered { name, record, answers } }
    }

    async fn forward(&self, servers: &[std::net::Ipv4Addr], name: Name, kind: RecordType) -> Answer {
        let began = Instant::now();
        let found = self.forwarder.ask(servers, name.clone(), kind).await;
        let (code, records) = match found {
            Ok(records) => (ResponseCode::NoError, records),
            Err(code) => (code, Vec::new()),
        };
        let fact = Fact::DnsForwarded {
            name: name.to_string(),
            record: kind.to_string(),
            code: format!("{code:?}").to_uppercase(),
            millis: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        };
        Answer { code, records, soa: None, own: false, fact }
    }
}

/// Lets clients remember for how long a name was not there (RFC 2308, section 3).
fn start_of_authority(domain: &str) -> Option<Record> {
    let zone = Name::from_str(&format!("{domain}.")).ok()?;
    let server = Name::from_str(&format!("pxelator.{domain}.")).ok()?;
    let owner = Name::from_str(&format!("hostmaster.{domain}.")).ok()?;
    Some(Record::from_rdata(zone, TTL, RData::SOA(SOA::new(server, owner, 1, 3600, 600, 86_400, TTL))))
}
