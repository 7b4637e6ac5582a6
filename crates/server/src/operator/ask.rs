//! The command's end of the operator's socket.

use std::path::Path;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::Request;
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

use super::Told;
use crate::failure::Failure;

/// Largest answer that is read.
const ANSWER_LEN_MAX: usize = 16 * 1024 * 1024;

/// Asks the server that runs on this state folder.
///
/// # Errors
/// [`Failure::unreachable`] when none runs there or it does not let us in; what the server says.
pub async fn ask<T: DeserializeOwned>(
    state: &Path,
    path: &str,
    asked: &impl Serialize,
) -> Result<T, Failure> {
    let socket = super::socket(state);
    let told = |e: &dyn std::fmt::Display| {
        Failure::unreachable(format!(
            "no server answers at {}: {e}; is it running on this state folder, and as this user?",
            socket.display()
        ))
    };
    let stream = UnixStream::connect(&socket).await.map_err(|e| told(&e))?;
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|e| told(&e))?;
    tokio::spawn(connection);
    let body = serde_json::to_vec(asked).map_err(|e| Failure::usage(e.to_string()))?;
    let request = Request::post(path)
        .header("host", "operator")
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(body)))
        .map_err(|e| Failure::usage(e.to_string()))?;
    let (parts, body) = sender.send_request(request).await.map_err(|e| told(&e))?.into_parts();
    let body = Limited::new(body, ANSWER_LEN_MAX).collect().await.map_err(|e| told(&e))?;
    let bytes = body.to_bytes();
    if parts.status.is_success() {
        return serde_json::from_slice(&bytes).map_err(|e| told(&e));
    }
    let Told { code, text } = serde_json::from_slice(&bytes).map_err(|e| told(&e))?;
    Err(Failure { code, text })
}
