//! Actions to text. What is printed parses to the same script, line numbers included.

use core::fmt::{self, Write as _};
use core::time::Duration;

use super::{Action, Script};
use crate::world::CableState;

/// One action a line, at its own line number where that is possible.
impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut at = 1;
        for line in &self.lines {
            while at < line.line {
                f.write_char('\n')?;
                at += 1;
            }
            writeln!(f, "{}", line.action)?;
            at += 1;
        }
        Ok(())
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run { machine, command } => write!(f, "{machine}: {command}"),
            Self::Background { machine, name, command } => write!(f, "{machine} &{name}: {command}"),
            Self::Tty { columns, machine, command } => write!(f, "@tty {columns} {machine}: {command}"),
            Self::Wait(time) => write!(f, "@wait {}", Seconds(*time)),
            Self::End { name, timeout: None } => write!(f, "@end {name}"),
            Self::End { name, timeout: Some(time) } => write!(f, "@end {name} {}", Seconds(*time)),
            Self::Int(name) => write!(f, "@int {name}"),
            Self::Kill(name) => write!(f, "@kill {name}"),
            Self::Freeze(name) => write!(f, "@freeze {name}"),
            Self::Thaw(name) => write!(f, "@thaw {name}"),
            Self::Input { name, text } => write!(f, "@input {name} {}", Quoted(text)),
            Self::Eof(name) => write!(f, "@eof {name}"),
            Self::Attach { vm, adapter, mode, network } => {
                write!(f, "@attach {vm} {adapter} {}", mode.name())?;
                network.iter().try_for_each(|network| write!(f, " {network}"))
            }
            Self::Cable { machine, iface, state } => write!(f, "@cable {machine} {iface} {}", cable_word(*state)),
            Self::Link { a, b, setting } => super::link::print_link(f, a, b.as_deref(), setting),
            Self::Switch { switch, setting } => super::link::print_switch(f, switch, setting),
            Self::Service { machine, service, start } => {
                write!(f, "@service {machine} {service} {}", if *start { "start" } else { "stop" })
            }
            Self::Setup { machine, command } => write!(f, "@setup {machine}: {command}"),
            Self::PcapStart { name, machine, iface, filter } => {
                write!(f, "@pcap start {name} {machine} {iface}")?;
                filter.iter().try_for_each(|filter| write!(f, " {filter}"))
            }
            Self::PcapStop { name } => write!(f, "@pcap stop {name}"),
        }
    }
}

fn cable_word(state: CableState) -> &'static str {
    match state {
        CableState::On => "on",
        CableState::Off => "off",
        CableState::Mute => "mute",
        CableState::MuteTx => "mute-tx",
    }
}

/// Seconds without needless zeros.
struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.as_secs())?;
        match self.0.subsec_nanos() {
            0 => Ok(()),
            nanos => write!(f, ".{}", format!("{nanos:09}").trim_end_matches('0')),
        }
    }
}

/// Text in quotes; what is not printable is escaped.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                '"' | '\\' => write!(f, "\\{c}")?,
                c if c.is_control() => write!(f, "\\u{{{:x}}}", u32::from(c))?,
                c => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}
