//! Heads that hyper cannot parse are answered by hyper itself, without a body. This stream gives
//! those answers ours: a JSON error with the same status, and the headers of every other answer.
//!
//! A connection that is closed while the other side still sends is reset, and the answer is lost on
//! its way. So what is still coming is read and thrown away for a moment (RFC 9112 §9.6).

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// How long after the last answer bytes are awaited that may still come, and in all.
const LINGER_PAUSE: Duration = Duration::from_millis(200);
const LINGER_TIMEOUT: Duration = Duration::from_secs(2);
/// What is thrown away at most.
const LINGER_LEN_MAX: usize = 4 * 1024 * 1024;

/// A stream that is written to by hyper's HTTP/1 server.
#[derive(Debug)]
pub struct Polite<S> {
    inner: S,
    /// What is left of an answer of ours.
    pending: Vec<u8>,
    /// How much of hyper's bytes the pending answer stands for.
    replaced: usize,
    /// After everything was said.
    lingering: Option<Lingering>,
}

/// Listening without hearing, until nothing comes any more.
#[derive(Debug)]
struct Lingering {
    ends: Instant,
    pause: Pin<Box<Sleep>>,
    thrown_away: usize,
}

impl<S> Polite<S> {
    /// Wraps a connection.
    pub fn new(inner: S) -> Self {
        Self { inner, pending: Vec::new(), replaced: 0, lingering: None }
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

impl<S: AsyncRead + Unpin> Polite<S> {
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(lingering) = &mut self.lingering else { return Poll::Ready(()) };
        let mut space = [0; 8 * 1024];
        loop {
            let mut heard = ReadBuf::new(&mut space);
            match Pin::new(&mut self.inner).poll_read(cx, &mut heard) {
                Poll::Ready(Ok(())) if !heard.filled().is_empty() => {
                    lingering.thrown_away += heard.filled().len();
                    if lingering.thrown_away > LINGER_LEN_MAX {
                        return Poll::Ready(());
                    }
                    let next = lingering.ends.min(Instant::now() + LINGER_PAUSE);
                    lingering.pause.as_mut().reset(next);
                }
                // The other side has closed as well, or is gone.
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return lingering.pause.as_mut().poll(cx),
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Polite<S> {
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
        if self.lingering.is_none() {
            ready!(Pin::new(&mut self.inner).poll_shutdown(cx))?;
            let now = Instant::now();
            let (ends, pause) = (now + LINGER_TIMEOUT, Box::pin(sleep_until(now + LINGER_PAUSE)));
            self.lingering = Some(Lingering { ends, pause, thrown_away: 0 });
        }
        self.poll_linger(cx).map(Ok)
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
    #[tokio::test]
    async fn whoever_still_sends_is_heard_out_before_the_end() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let (ours, mut theirs) = tokio::io::duplex(64);
        let closing = tokio::spawn(async move { Polite::new(ours).shutdown().await });
        // Nobody would take these if the end did not listen.
        theirs.write_all(&[b'x'; 64 * 1024]).await.unwrap();
        assert_eq!(theirs.read(&mut [0]).await.unwrap(), 0, "the end was told before");
        drop(theirs);
        closing.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn nobody_is_listened_to_for_ever() {
        use tokio::io::AsyncWriteExt as _;
        let (ours, theirs) = tokio::io::duplex(64);
        let begun = Instant::now();
        Polite::new(ours).shutdown().await.unwrap();
        assert!(begun.elapsed() >= LINGER_PAUSE);
        drop(theirs);
    }
}
