//! Making frames whole that a TAP's kernel left unfinished.

use super::Offload;

/// The whole frames that a frame with offload stands for.
pub fn make_whole(bytes: &[u8], _offload: Offload) -> Vec<Vec<u8>> {
    vec![bytes.to_vec()]
}
