//! Requests that are all sent before any is waited for, in their order.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

/// A request on its way, or not sent yet.
pub(super) type Sending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The driver sends a request when its future is asked for the first time; so they are asked in
/// turn, and one round trip does for all.
pub(super) async fn together<T>(mut all: Vec<Sending<'_, T>>) -> Vec<T> {
    let mut done: Vec<Option<T>> = all.iter().map(|_| None).collect();
    poll_fn(|context| {
        for (at, sending) in all.iter_mut().enumerate() {
            if done[at].is_none()
                && let Poll::Ready(answer) = sending.as_mut().poll(context)
            {
                done[at] = Some(answer);
            }
        }
        if done.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::conformance::block_on;

    #[test]
    fn all_are_sent_in_order_before_one_is_waited_for() {
        let sent = Mutex::new(vec![]);
        let request = |n: usize| -> Sending<'_, usize> {
            let sent = &sent;
            Box::pin(async move {
                sent.lock().unwrap().push(n);
                poll_fn(|context| {
                    context.waker().wake_by_ref();
                    if sent.lock().unwrap().len() == 3 { Poll::Ready(()) } else { Poll::Pending }
                })
                .await;
                n
            })
        };
        let answers = block_on(together((0..3).map(request).collect()));
        assert_eq!(answers, [0, 1, 2]);
        assert_eq!(*sent.lock().unwrap(), [0, 1, 2]);
    }
}
