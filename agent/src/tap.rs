//! Real TAP devices: the user-space end of a network card of the kernel's.
//!
//! Owns devices and the frames that wait for them. Must not know the world. tun-tap makes the devices, behind
//! [`TapDevice`], so that a second maker (with virtio-net headers) can stand beside it. A device is never persistent:
//! it goes when its descriptor is closed, even by SIGKILL.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use netmodes_core::limits::OFFLOAD_FRAME_BYTES_MAX;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tun_tap::{Iface, Mode};

/// Frames that wait for a device whose kernel takes no more just now; what comes after them is dropped and counted
/// (as many as on a link: `limits::LINK_QUEUE_FRAMES_MAX`).
const QUEUE_FRAMES_MAX: usize = netmodes_core::limits::LINK_QUEUE_FRAMES_MAX;
/// Frames read from one device before others have their turn.
const FRAMES_PER_TURN: usize = 64;
/// Interface names: IFNAMSIZ (linux/if.h) less the final zero.
const NAME_BYTES_MAX: usize = 15;

/// One end of a network card that the kernel believes in. Reads and writes whole frames and never blocks.
pub(crate) trait TapDevice: AsRawFd + Send + Sync {
    /// The kernel's name for it.
    fn name(&self) -> &str;
    /// Reads one frame.
    fn recv(&self, buffer: &mut [u8]) -> io::Result<usize>;
    /// Writes one frame.
    fn send(&self, frame: &[u8]) -> io::Result<usize>;
}

impl TapDevice for Iface {
    fn name(&self) -> &str {
        Iface::name(self)
    }

    fn recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Iface::recv(self, buffer)
    }

    fn send(&self, frame: &[u8]) -> io::Result<usize> {
        Iface::send(self, frame)
    }
}

/// Makes a TAP device in the network namespace of this thread.
///
/// # Errors
/// `EPERM` without CAP_NET_ADMIN, `EBUSY` for a name that is taken.
pub(crate) fn make(name: &str) -> io::Result<Box<dyn TapDevice>> {
    let device = Iface::without_packet_info(name, Mode::Tap)?;
    device.set_non_blocking()?;
    Ok(Box::new(device))
}

/// Whether the kernel would take this as a device's name, whole: a longer one it would cut, and `%` is a pattern to it.
pub(crate) fn is_name(name: &str) -> bool {
    let strange = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '/' | ':' | '%');
    (1..=NAME_BYTES_MAX).contains(&name.len()) && !name.contains(strange) && name != "." && name != ".."
}

/// Gives tokio the descriptor of a boxed device.
struct Held(Box<dyn TapDevice>);

impl AsRawFd for Held {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

/// A device and what waits for it.
pub(crate) struct Tap {
    device: Arc<AsyncFd<Held>>,
    waiting: VecDeque<Rc<[u8]>>,
    /// Frames the kernel did not take: its end was down, or the queue was full.
    pub(crate) dropped: u64,
}

impl Tap {
    /// Watches a device.
    ///
    /// # Errors
    /// When the descriptor cannot be watched.
    pub(crate) fn new(device: Box<dyn TapDevice>) -> io::Result<Self> {
        #[expect(
            deprecated,
            reason = "its successor wants AsFd, which tun-tap 0.1.4 has not; `Held` owns the device, so \
            the descriptor stays open as long as it is watched"
        )]
        let device = AsyncFd::with_interest(Held(device), Interest::READABLE | Interest::WRITABLE | Interest::ERROR)?;
        Ok(Self { device: Arc::new(device), waiting: VecDeque::new(), dropped: 0 })
    }

    /// The kernel's name for the device.
    pub(crate) fn name(&self) -> &str {
        self.device.get_ref().0.name()
    }

    /// Ends when the kernel has taken the device away, with its namespace for instance: a read alone would not notice
    /// (epoll says it as an error, without a frame to read).
    pub(crate) fn lost(&self) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let device = Arc::clone(&self.device);
        async move {
            loop {
                let mut guard = device.ready(Interest::ERROR).await?;
                if guard.ready().is_error() {
                    return Ok(());
                }
                guard.clear_ready();
            }
        }
    }

    /// Sends what waits, then gives the frames that have come to `take`. Ready when at least one came.
    ///
    /// # Errors
    /// The device is gone.
    pub(crate) fn poll_frames(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut Buffer,
        mut take: impl FnMut(&[u8]),
    ) -> Poll<io::Result<()>> {
        while !self.waiting.is_empty() {
            let Poll::Ready(guard) = self.device.poll_write_ready(cx) else { break };
            let mut guard = guard?;
            if !send_waiting(&mut self.waiting, &mut self.dropped, &*self.device.get_ref().0) {
                guard.clear_ready();
            }
        }
        let mut taken = 0;
        while taken < FRAMES_PER_TURN {
            let mut guard = match self.device.poll_read_ready(cx) {
                Poll::Pending if taken > 0 => return Poll::Ready(Ok(())),
                other => ready!(other)?,
            };
            match self.device.get_ref().0.recv(&mut buffer.0) {
                Ok(length) => {
                    taken += 1;
                    take(buffer.0.get(..length).unwrap_or_default());
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => guard.clear_ready(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // The kernel's end is down: frames come again when it is up.
                Err(error) if is_down(&error) => guard.clear_ready(),
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Hands a frame to the kernel, or lets it wait.
    pub(crate) fn send(&mut self, frame: Rc<[u8]>) {
        if self.waiting.len() >= QUEUE_FRAMES_MAX {
            self.dropped += 1;
            return;
        }
        self.waiting.push_back(frame);
        if self.waiting.len() == 1 {
            send_waiting(&mut self.waiting, &mut self.dropped, &*self.device.get_ref().0);
        }
    }
}

/// Writes until nothing waits (true) or the kernel takes no more (false).
fn send_waiting(waiting: &mut VecDeque<Rc<[u8]>>, dropped: &mut u64, device: &dyn TapDevice) -> bool {
    while let Some(frame) = waiting.front() {
        match device.send(frame) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            // EIO: the kernel's end is down, as a cable without carrier. Anything else is this frame's own fault.
            Err(_) => *dropped += 1,
            Ok(_) => {}
        }
        waiting.pop_front();
    }
    true
}

fn is_down(error: &io::Error) -> bool {
    error.raw_os_error() == Some(nix::errno::Errno::EIO as i32)
}

/// Room for one frame of any size: a shorter read would cut it.
pub(crate) struct Buffer(Box<[u8]>);

impl Default for Buffer {
    fn default() -> Self {
        Self(vec![0; OFFLOAD_FRAME_BYTES_MAX].into())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn names_that_the_kernel_would_change_are_refused() {
        for name in ["nm0", "tap-vm1.2", "a23456789012345"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "a234567890123456", "nm 0", "nm%d", "a/b", "a:b", "..", "\u{7}"] {
            assert!(!is_name(name), "{name}");
        }
    }

    /// A device whose kernel takes `room` frames and has frames of its own.
    struct Fake(AtomicUsize);

    impl AsRawFd for Fake {
        fn as_raw_fd(&self) -> RawFd {
            -1
        }
    }

    impl TapDevice for Fake {
        fn name(&self) -> &str {
            "fake"
        }

        fn recv(&self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::WouldBlock.into())
        }

        fn send(&self, frame: &[u8]) -> io::Result<usize> {
            if frame.is_empty() {
                return Err(io::Error::from_raw_os_error(nix::errno::Errno::EIO as i32));
            }
            let room = self.0.load(Ordering::Relaxed).checked_sub(1).ok_or(io::ErrorKind::WouldBlock)?;
            self.0.store(room, Ordering::Relaxed);
            Ok(frame.len())
        }
    }

    #[test]
    fn a_full_kernel_makes_frames_wait_and_a_device_that_is_down_loses_them() {
        let (device, mut dropped) = (Fake(2.into()), 0);
        let frame: Rc<[u8]> = Rc::from([0; 60]);
        let mut waiting = VecDeque::from([frame.clone(), Rc::from([]), frame.clone(), frame]);
        assert!(!send_waiting(&mut waiting, &mut dropped, &device));
        assert_eq!((waiting.len(), dropped), (1, 1));
        device.0.store(1, Ordering::Relaxed);
        assert!(send_waiting(&mut waiting, &mut dropped, &device));
        assert_eq!((waiting.len(), dropped), (0, 1));
    }
}
