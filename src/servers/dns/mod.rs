//! DNS of a segment: its own names, and what the servers named in `dns` say of others. The protocol is hickory's.

mod command;
mod forward;
mod obey;
mod script;
mod udp;
mod zone;

pub use command::{Asked, Said, parse};
pub use zone::{Own, look_up, sanitised};

use super::{Context, Rejects, ServerError, who};
use crate::{
    event::{Event, Fact, Service, now},
    net,
};
use forward::Forwarder;
use hickory_proto::{
    op::{HeaderCounts, Metadata, OpCode, ResponseCode},
    rr::{DNSClass, Name, RData, Record, RecordType},
};
use hickory_server::{
    Server,
    net::runtime::Time,
    server::{Request, RequestHandler, ResponseHandler, ResponseInfo},
    zone_handler::MessageResponseBuilder,
};
use obey::Commands;
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};
use zone::TTL;

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
    let commands = Arc::new(Commands::new(&context));
    let names = Names { context: context.clone(), forwarder: Arc::default(), commands };
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
    commands: Arc<Commands>,
}

/// An answer before it is a message.
struct Answer {
    code: ResponseCode,
    records: Vec<Record>,
    soa: Option<Record>,
    own: bool,
    /// None where it is told already.
    fact: Option<Fact>,
}

#[async_trait::async_trait]
impl RequestHandler for Names {
    async fn handle_request<R: ResponseHandler, T: Time>(&self, request: &Request, mut response: R) -> ResponseInfo {
        let mut metadata = Metadata::response_from_request(&request.metadata);
        let question = request.request_info().ok().map(|info| info.query.original().clone());
        let answer = match question {
            Some(asked) if request.metadata.op_code == OpCode::Query => match asked.query_class() {
                DNSClass::IN => self.answer(request.src().ip(), asked.name().clone(), asked.query_type()).await,
                class => {
                    refused(asked.name().to_string(), asked.query_type(), &format!("its class is {class}, not IN"))
                }
            },
            _ => Answer {
                code: if request.metadata.op_code == OpCode::Query {
                    ResponseCode::FormErr
                } else {
                    ResponseCode::NotImp
                },
                records: Vec::new(),
                soa: None,
                own: false,
                fact: Some(Fact::DnsRefused {
                    name: String::new(),
                    record: String::new(),
                    reason: format!("{:?} is not a single question", request.metadata.op_code),
                }),
            },
        };
        metadata.response_code = answer.code;
        metadata.authoritative = answer.own;
        metadata.recursion_available = self.context.segment().is_some_and(|segment| !segment.dns.is_empty());
        let builder = MessageResponseBuilder::from_message_request(request);
        let message = builder.build(metadata, answer.records.iter(), [], answer.soa.iter(), []);
        if let Some(fact) = answer.fact {
            self.tell(request.src().ip(), fact);
        }
        match response.send_response(message).await {
            Ok(info) => info,
            // The client is gone; there is nobody to tell.
            Err(_) => ResponseInfo::from(hickory_proto::op::Header { metadata, counts: HeaderCounts::default() }),
        }
    }
}

fn refused(name: String, kind: RecordType, reason: &str) -> Answer {
    let fact = Fact::DnsRefused { name, record: kind.to_string(), reason: reason.to_owned() };
    Answer { code: ResponseCode::Refused, records: Vec::new(), soa: None, own: false, fact: Some(fact) }
}

impl Names {
    fn tell(&self, source: IpAddr, fact: Fact) {
        let (Some(segment), IpAddr::V4(address)) = (self.context.segment(), source) else { return };
        let (mac, _) = who::who(&self.context, &segment, address);
        self.context.bus.publish(Event::new(Some(self.context.segment), fact).about(Some(address), mac));
    }

    async fn answer(&self, source: IpAddr, full: Name, kind: RecordType) -> Answer {
        let (name, record) = (full.to_string().to_lowercase(), kind.to_string());
        let refused = |reason: &str| refused(name.clone(), kind, reason);
        let Some(segment) = self.context.segment() else { return refused("the segment is gone from conf") };
        if let Some(asked) = command::parse(&full, &segment.domain) {
            return self.command(source, full, kind, &segment.domain, asked).await;
        }
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
        let authority = zone::start_of_authority(&segment.domain).filter(|_| data.is_empty());
        let soa = zone::zone_of(&full, &segment.domain)
            .zip(authority)
            .map(|(zone, soa)| Record::from_rdata(zone, TTL, RData::SOA(soa)));
        let answers = data.iter().map(ToString::to_string).collect();
        let records = data.into_iter().map(|data| Record::from_rdata(full.clone(), TTL, data)).collect();
        Answer { code, records, soa, own: true, fact: Some(Fact::DnsAnswered { name, record, answers }) }
    }

    /// Only who asks for an address commands: the same name is asked for other records too.
    async fn command(
        &self,
        source: IpAddr,
        full: Name,
        kind: RecordType,
        domain: &str,
        asked: Result<Asked, Said>,
    ) -> Answer {
        let mut answer = Answer { code: ResponseCode::NoError, records: Vec::new(), soa: None, own: true, fact: None };
        if let (RecordType::A, IpAddr::V4(source)) = (kind, source) {
            let address = self.commands.answer(source, asked).await.address();
            // Nobody is to keep it: the next who asks is to ask here.
            answer.records.push(Record::from_rdata(full, 0, RData::A(address.into())));
        } else {
            let zone = zone::zone_of(&full, domain).zip(zone::start_of_authority(domain));
            answer.soa = zone.map(|(zone, soa)| Record::from_rdata(zone, TTL, RData::SOA(soa)));
        }
        answer
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
        Answer { code, records, soa: None, own: false, fact: Some(fact) }
    }
}
