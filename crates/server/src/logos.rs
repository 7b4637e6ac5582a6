//! Logos of clients: fetched through the one door, drawn anew in bounds, kept for a while.

use std::collections::HashMap;
use std::io::Cursor;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use counterfoil_engine::ctx::Clock as _;
use counterfoil_engine::outbound::{Outbound, Outgoing};
use counterfoil_engine::store::BoxFuture;
use counterfoil_protocol::moment::Moment;
use image::codecs::png::PngEncoder;
use image::imageops::FilterType;
use image::{ImageReader, Limits};
use tokio::sync::Semaphore;

use crate::system::SystemClock;

/// Largest file that is read.
const FILE_LEN_MAX: usize = 256 * 1024;
/// Widest and highest picture that is read: a small file may claim to be a large one.
const SIDE_MAX_PX: u32 = 2_048;
/// Memory for one picture while it is drawn.
const ALLOC_MAX: u64 = 32 * 1024 * 1024;
/// What is shown: twice the size on the page, for dense screens.
const DRAWN_SIDE_PX: u32 = 128;
/// How long a picture is kept, and how long nobody asks again where there was none.
const KEPT_S: u64 = 24 * 3_600;
const MISSED_S: u64 = 300;
/// Pictures that are kept. Those of one side length have at most 64 KiB.
const KEPT_MAX: usize = 256;
/// Calls and drawings at the same time; others have no picture this time.
const BUSY_MAX: usize = 4;

/// See the module.
pub struct Logos {
    outbound: Arc<dyn Outbound>,
    kept: Mutex<HashMap<Box<str>, Kept>>,
    seats: Semaphore,
}

struct Kept {
    picture: Option<Bytes>,
    until: Moment,
}

impl Logos {
    /// Calls others through `outbound`.
    #[must_use]
    pub fn new(outbound: Arc<dyn Outbound>) -> Self {
        Self { outbound, kept: Mutex::default(), seats: Semaphore::new(BUSY_MAX) }
    }

    fn recall(&self, url: &str, now: Moment) -> Option<Option<Bytes>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(url).filter(|kept| kept.until > now).map(|kept| kept.picture.clone())
    }

    fn keep(&self, url: &str, picture: Option<Bytes>, now: Moment) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX {
            kept.retain(|_, kept| kept.until > now);
        }
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        let until = now.after(if picture.is_some() { KEPT_S } else { MISSED_S });
        kept.insert(url.into(), Kept { picture, until });
    }

    async fn fetched(&self, url: &str) -> Option<Bytes> {
        let (accept, len_max) = ("image/png, image/jpeg", FILE_LEN_MAX);
        let call = Outgoing { url, accept, form: None, len_max };
        let answer = self.outbound.call(call).await.ok().filter(|answer| answer.status == 200)?;
        // The media type is the other side's word; what the bytes are decides.
        tokio::task::spawn_blocking(move || drawn(&answer.body)).await.ok().flatten()
    }
}

impl counterfoil_web::common::logo::Logos for Logos {
    fn logo<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Option<Bytes>> {
        Box::pin(async move {
            let now = SystemClock.now();
            if let Some(kept) = self.recall(url, now) {
                return kept;
            }
            let _seat = self.seats.try_acquire().ok()?;
            let picture = self.fetched(url).await;
            self.keep(url, picture.clone(), now);
            picture
        })
    }
}

/// The picture of a PNG or JPEG file, small, as PNG and without anything else that was in the file.
#[must_use]
pub fn drawn(file: &[u8]) -> Option<Bytes> {
    let mut reader = ImageReader::new(Cursor::new(file)).with_guessed_format().ok()?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE_MAX_PX);
    limits.max_image_height = Some(SIDE_MAX_PX);
    limits.max_alloc = Some(ALLOC_MAX);
    reader.limits(limits);
    let picture = reader.decode().ok()?;
    let small = picture.width() <= DRAWN_SIDE_PX && picture.height() <= DRAWN_SIDE_PX;
    let picture = if small {
        picture
    } else {
        picture.resize(DRAWN_SIDE_PX, DRAWN_SIDE_PX, FilterType::Triangle)
    };
    let mut png = vec![];
    picture.to_rgba8().write_with_encoder(PngEncoder::new(&mut png)).ok()?;
    Some(png.into())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use counterfoil_engine::outbound::{Incoming, OutboundFault};
    use counterfoil_web::common::logo::Logos as _;
    use image::{DynamicImage, ImageFormat};

    use super::*;

    fn file(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
        let mut file = Cursor::new(vec![]);
        DynamicImage::new_rgb8(width, height).write_to(&mut file, format).unwrap();
        file.into_inner()
    }

    fn size(png: &[u8]) -> (u32, u32) {
        let read = image::load_from_memory_with_format(png, ImageFormat::Png).unwrap();
        (read.width(), read.height())
    }

    /// Answers every call with this.
    struct Site(Result<Incoming, OutboundFault>, AtomicUsize);

    impl Site {
        fn with(status: u16, body: Vec<u8>) -> Arc<Self> {
            let answer = Incoming { status, media_type: None, body };
            Arc::new(Self(Ok(answer), AtomicUsize::new(0)))
        }
    }

    impl Outbound for Site {
        fn admits(&self, _: &str) -> bool {
            true
        }

        fn call<'a>(&'a self, _: Outgoing<'a>) -> BoxFuture<'a, Result<Incoming, OutboundFault>> {
            self.1.fetch_add(1, Ordering::Relaxed);
            Box::pin(std::future::ready(self.0.clone()))
        }
    }

    #[test]
    fn pictures_are_drawn_small_and_keep_their_shape() {
        for (format, sides, shown) in [
            (ImageFormat::Png, (64, 64), (64, 64)),
            (ImageFormat::Png, (512, 256), (128, 64)),
            (ImageFormat::Jpeg, (300, 600), (64, 128)),
        ] {
            let drawn = drawn(&file(sides.0, sides.1, format)).unwrap();
            assert_eq!(size(&drawn), shown, "{format:?} {sides:?}");
        }
    }

    #[test]
    fn what_is_behind_the_picture_is_not_passed_on() {
        let mut png = file(8, 8, ImageFormat::Png);
        png.extend_from_slice(b"<script>alert(1)</script>");
        let drawn = drawn(&png).unwrap();
        assert!(!drawn.windows(8).any(|bytes| bytes == b"<script>"));
    }

    #[test]
    fn what_is_no_picture_or_too_large_is_not_drawn() {
        let vector = br#"<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>"#;
        assert_eq!(drawn(vector), None);
        assert_eq!(drawn(b""), None);
        assert_eq!(drawn(&file(SIDE_MAX_PX + 1, 1, ImageFormat::Png)), None);
        let png = file(8, 8, ImageFormat::Png);
        assert_eq!(drawn(&png[..png.len() / 2]), None);
    }

    #[tokio::test]
    async fn a_picture_is_fetched_once_and_a_missing_one_is_not_asked_for_at_once() {
        for (site, drawn) in [
            (Site::with(200, file(8, 8, ImageFormat::Png)), true),
            (Site::with(404, file(8, 8, ImageFormat::Png)), false),
            (Site::with(200, b"no picture".to_vec()), false),
        ] {
            let logos = Logos::new(site.clone());
            for _ in 0..3 {
                assert_eq!(logos.logo("https://app.example/logo.png").await.is_some(), drawn);
            }
            assert_eq!(site.1.load(Ordering::Relaxed), 1);
        }
    }
}
