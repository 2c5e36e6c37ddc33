//! What a field is when the file leaves it out.

pub(super) fn yes() -> bool {
    true
}

pub(super) fn is_yes(value: &bool) -> bool {
    *value
}

pub(super) fn is_no(value: &bool) -> bool {
    !*value
}

pub(super) fn is_zero(value: &u32) -> bool {
    *value == 0
}

/// One MAC address a port.
pub(super) fn one() -> u32 {
    1
}

pub(super) fn is_one(value: &u32) -> bool {
    *value == 1
}

/// Ethernet's usual MTU.
pub(super) fn mtu() -> u32 {
    1_500
}

pub(super) fn is_mtu(value: &u32) -> bool {
    *value == mtu()
}

/// A few metres of cable are 50 ns; what a LAN's ping shows comes from cards and switches. 50 µs a cable gives it.
pub(super) fn delay() -> u32 {
    50
}

pub(super) fn is_delay(value: &u32) -> bool {
    *value == delay()
}
