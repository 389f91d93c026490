//! A response's body that tells how far it is sent.

use crate::servers::meter::Meter;
use axum::body::{Body, BodyDataStream, Bytes};
use futures_util::Stream;
use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

struct Metered {
    data: BodyDataStream,
    meter: Meter,
}

/// `body` with a `meter` on it.
pub fn body(body: Body, meter: Meter) -> Body {
    Body::from_stream(Metered { data: body.into_data_stream(), meter })
}

impl Stream for Metered {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = ready!(Pin::new(&mut self.data).poll_next(context));
        match &next {
            Some(Ok(bytes)) => self.meter.sent(bytes.len() as u64),
            Some(Err(error)) => self.meter.abandon(&format!("the file cannot be read on: {error}")),
            None => self.meter.complete(),
        }
        Poll::Ready(next)
    }
}

impl Drop for Metered {
    fn drop(&mut self) {
        // With a known length hyper does not ask once more after the last byte.
        if self.meter.is_whole() {
            self.meter.complete();
        }
    }
}
