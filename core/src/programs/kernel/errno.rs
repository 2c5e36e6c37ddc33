//! Why the kernel refuses, as Linux numbers and words it.

macro_rules! errnos {
    ($($(#[doc = $doc:literal])* $name:ident = $number:literal, $text:literal;)*) => {
        /// Why the kernel refused, as Linux numbers and words it (errno(3), glibc's strerror).
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[allow(clippy::upper_case_acronyms, reason = "these are the names every Linux text uses")]
        pub enum Errno { $($(#[doc = $doc])* $name,)* }

        impl Errno {
            /// The number.
            pub const fn number(self) -> i32 {
                match self { $(Self::$name => $number,)* }
            }
            /// What `strerror` says.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

errnos! {
    /// Not allowed.
    EPERM = 1, "Operation not permitted";
    /// No such file.
    ENOENT = 2, "No such file or directory";
    /// No such process, route or address to delete.
    ESRCH = 3, "No such process";
    /// No such device or address.
    ENXIO = 6, "No such device or address";
    /// No such descriptor, or not open for this.
    EBADF = 9, "Bad file descriptor";
    /// Would block.
    EAGAIN = 11, "Resource temporarily unavailable";
    /// Not permitted by the file's mode.
    EACCES = 13, "Permission denied";
    /// Out of memory.
    ENOMEM = 12, "Cannot allocate memory";
    /// In use.
    EBUSY = 16, "Device or resource busy";
    /// Already there.
    EEXIST = 17, "File exists";
    /// A part of the path is no directory.
    ENOTDIR = 20, "Not a directory";
    /// It is a directory.
    EISDIR = 21, "Is a directory";
    /// No such interface.
    ENODEV = 19, "No such device";
    /// A wrong argument.
    EINVAL = 22, "Invalid argument";
    /// A table is full.
    ENFILE = 23, "Too many open files in system";
    /// No room for more.
    ENOSPC = 28, "No space left on device";
    /// Chains within chains too deep.
    EMLINK = 31, "Too many links";
    /// Written to a closed connection.
    EPIPE = 32, "Broken pipe";
    /// Leads back to itself.
    ELOOP = 40, "Too many levels of symbolic links";
    /// Larger than the path allows.
    EMSGSIZE = 90, "Message too long";
    /// The L4 port is taken.
    EADDRINUSE = 98, "Address already in use";
    /// No interface has this address.
    EADDRNOTAVAIL = 99, "Cannot assign requested address";
    /// The interface is down.
    ENETDOWN = 100, "Network is down";
    /// No route.
    ENETUNREACH = 101, "Network is unreachable";
    /// Reset by the other side.
    ECONNRESET = 104, "Connection reset by peer";
    /// Out of buffers.
    ENOBUFS = 105, "No buffer space available";
    /// Not connected.
    ENOTCONN = 107, "Transport endpoint is not connected";
    /// Nobody answered.
    ETIMEDOUT = 110, "Connection timed out";
    /// The other side has nobody at this port.
    ECONNREFUSED = 111, "Connection refused";
    /// The neighbour does not answer, or a router said so.
    EHOSTUNREACH = 113, "No route to host";
    /// Not supported here.
    EOPNOTSUPP = 95, "Operation not supported";
}
