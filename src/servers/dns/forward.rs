//! Asks the servers that the segment's `dns` names, with a short patience.

use hickory_proto::{
    op::ResponseCode,
    rr::{Name, Record, RecordType},
};
use hickory_resolver::{
    TokioResolver,
    config::{NameServerConfig, ResolverConfig},
    net::runtime::TokioRuntimeProvider,
};
use parking_lot::Mutex;
use std::{net::Ipv4Addr, sync::Arc, time::Duration};

/// What one server gets to answer. A firmware's own patience is about five seconds.
const PATIENCE: Duration = Duration::from_secs(2);

/// The resolver for the servers named last.
#[derive(Default)]
pub struct Forwarder {
    current: Mutex<Option<(Vec<Ipv4Addr>, Arc<TokioResolver>)>>,
}

impl Forwarder {
    /// The records of elsewhere, or the code that says why there are none.
    pub async fn ask(&self, servers: &[Ipv4Addr], name: Name, kind: RecordType) -> Result<Vec<Record>, ResponseCode> {
        let resolver = self.resolver(servers).ok_or(ResponseCode::ServFail)?;
        match tokio::time::timeout(PATIENCE * 2, resolver.lookup(name, kind)).await {
            Ok(Ok(found)) => Ok(found.answers().to_vec()),
            Ok(Err(error)) if error.is_nx_domain() => Err(ResponseCode::NXDomain),
            Ok(Err(error)) if error.is_no_records_found() => Ok(Vec::new()),
            Ok(Err(_)) | Err(_) => Err(ResponseCode::ServFail),
        }
    }

    fn resolver(&self, servers: &[Ipv4Addr]) -> Option<Arc<TokioResolver>> {
        let mut current = self.current.lock();
        if let Some((named, resolver)) = &*current
            && named == servers
        {
            return Some(resolver.clone());
        }
        let named: Vec<NameServerConfig> =
            servers.iter().map(|ip| NameServerConfig::udp_and_tcp((*ip).into())).collect();
        let config = ResolverConfig::from_parts(None, vec![], named);
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        let options = builder.options_mut();
        options.timeout = PATIENCE;
        options.attempts = 1;
        options.use_hosts_file = hickory_resolver::config::ResolveHosts::Never;
        let resolver = Arc::new(builder.build().ok()?);
        *current = Some((servers.to_vec(), resolver.clone()));
        Some(resolver)
    }
}
