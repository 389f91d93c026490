//! Passes a machine's connection on to the server of its own files, record by record, so that no client can have more under
//! way than this: nfs-mamont itself queues without end.

use super::records::{Garbage, Records};
use std::{io, sync::Arc};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::Semaphore,
};

/// Calls of a connection that may be under way. Linux has up to this many in a slot table that grows.
const UNDER_WAY: usize = 128;
const BUFFER: usize = 256 << 10;

/// Passes both directions on until one ends. An error of the connection is an end like any other.
pub async fn relay(client: TcpStream, server: TcpStream) -> Result<(), Garbage> {
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let under_way = Arc::new(Semaphore::new(UNDER_WAY));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        ended = calls(from_client, to_server, &under_way) => ended.unwrap_or(Ok(())),
        _ = answers(from_server, to_client, &under_way) => Ok(()),
    }
}

async fn calls(
    mut client: OwnedReadHalf,
    mut server: OwnedWriteHalf,
    under_way: &Semaphore,
) -> io::Result<Result<(), Garbage>> {
    let (mut records, mut buffer) = (Records::new(true), vec![0; BUFFER]);
    loop {
        let length = client.read(&mut buffer).await?;
        if length == 0 {
            return Ok(Ok(()));
        }
        let bytes = buffer.get(..length).unwrap_or_default();
        let (mut from, mut at) = (0, 0);
        while at < length {
            let (taken, begun) = match records.follow(bytes.get(at..).unwrap_or_default()) {
                Ok(followed) => followed,
                Err(garbage) => return Ok(Err(garbage)),
            };
            if begun {
                let permit = match under_way.try_acquire() {
                    Ok(permit) => permit,
                    Err(_) => {
                        // What came before has to go, for its answers make room.
                        server.write_all(bytes.get(from..at).unwrap_or_default()).await?;
                        from = at;
                        under_way.acquire().await.map_err(io::Error::other)?
                    }
                };
                permit.forget();
            }
            at += taken;
        }
        server.write_all(bytes.get(from..).unwrap_or_default()).await?;
    }
}

async fn answers(mut server: OwnedReadHalf, mut client: OwnedWriteHalf, under_way: &Semaphore) -> io::Result<()> {
    let (mut records, mut buffer) = (Records::new(false), vec![0; BUFFER]);
    loop {
        let length = server.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        let bytes = buffer.get(..length).unwrap_or_default();
        client.write_all(bytes).await?;
        let mut at = 0;
        while at < length {
            let Ok((taken, begun)) = records.follow(bytes.get(at..).unwrap_or_default()) else { return Ok(()) };
            if begun {
                under_way.add_permits(1);
            }
            at += taken;
        }
    }
}
