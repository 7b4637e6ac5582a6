//! Heads that hyper cannot parse are answered by hyper itself, without a body. This stream gives
//! those answers ours: a JSON error with the same status, and the headers of every other answer.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream that is written to by hyper's HTTP/1 server.
#[derive(Debug)]
pub struct Polite<S> {
    inner: S,
    /// What is left of an answer of ours.
    pending: Vec<u8>,
    /// How much of hyper's bytes the pending answer stands for.
    replaced: usize,
}

impl<S> Polite<S> {
    /// Wraps a connection.
    pub fn new(inner: S) -> Self {
        Self { inner, pending: Vec::new(), replaced: 0 }
    }
}

/// The start lines that hyper writes on its own account. None of our answers of these statuses has
/// an empty body, so one that has is hyper's.
const OWN: [(&str, &str); 4] = [
    ("HTTP/1.1 400 Bad Request\r\n", "the request cannot be parsed"),
    ("HTTP/1.1 414 URI Too Long\r\n", "the request head is too large"),
    ("HTTP/1.1 431 Request Header Fields Too Large\r\n", "the request head is too large"),
    ("HTTP/1.1 505 HTTP Version Not Supported\r\n", "this version of HTTP is not supported"),
];

/// Our answer in place of hyper's, if `written` is one of hyper's.
fn replacement(written: &[u8]) -> Option<Vec<u8>> {
    let head = std::str::from_utf8(written).ok().filter(|text| text.ends_with("\r\n\r\n"))?;
    let (start, text) = OWN.into_iter().find(|(start, _)| head.starts_with(start))?;
    if !head.to_ascii_lowercase().contains("content-length: 0\r\n") {
        return None;
    }
    let body = format!(r#"{{"error":"invalid_request","error_description":"{text}"}}"#);
    let mut random = [0; 16];
    // Without randomness the reference is a row of zeros; the answer is right all the same.
    let _ = counterfoil_jose::provider::random_bytes(&mut random);
    let id = counterfoil_web::request_id::RequestId::new(random);
    let answer = format!(
        "{start}content-type: application/json\r\ncache-control: no-store\r\npragma: no-cache\r\n\
         x-content-type-options: nosniff\r\nx-request-id: {id}\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    Some(answer.into_bytes())
}

impl<S: AsyncWrite + Unpin> Polite<S> {
    fn poll_pending(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.pending.is_empty() {
            let sent = ready!(Pin::new(&mut self.inner).poll_write(cx, &self.pending))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.pending.drain(..sent);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Polite<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.replaced == 0
            && bytes.starts_with(b"HTTP/1.1 ")
            && bytes.len() < 512
            && let Some(answer) = replacement(bytes)
        {
            self.pending = answer;
            self.replaced = bytes.len();
        }
        if self.replaced > 0 {
            ready!(self.poll_pending(cx))?;
            let replaced = std::mem::take(&mut self.replaced);
            return Poll::Ready(Ok(replaced));
        }
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // An answer of hyper's own has no body and comes in one piece.
        if let [only] = slices {
            return self.poll_write(cx, only);
        }
        Pin::new(&mut self.inner).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Polite<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_empty_answer_of_hypers_own_is_replaced() {
        let own = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\ndate: x\r\n\r\n";
        let answer = String::from_utf8(replacement(own).unwrap()).unwrap();
        assert!(answer.contains(r#""error":"invalid_request""#) && answer.contains("no-store"));
        for other in [
            &b"HTTP/1.1 400 Bad Request\r\ncontent-length: 44\r\n\r\n"[..],
            b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n",
        ] {
            assert!(replacement(other).is_none());
        }
    }
}
