//! stub

use super::{Context, ServerError};

/// Serves until shutdown.
pub async fn serve(context: Context) -> Result<(), ServerError> {
    context.shutdown.cancelled().await;
    Ok(())
}
