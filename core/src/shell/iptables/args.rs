//! The command line of `iptables`: which command, which chain, which rule. Words are looked at one after the other, as
//! the real tool does it, so that the first mistake is the one that is told.

use core::net::Ipv4Addr;

use super::exts::{self, Draft};
use super::fail::Fail;
use super::getopt::{Cursor, Item};
use super::list::Style;
use super::names::{Hosts, number, protocol_number};
use super::spec::{Inv, Spec, Target};
use super::targets;
use crate::addr::Cidr;
use crate::netfilter::model::{Counter, Verdict};

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Request {
    pub(super) table: String,
    /// The command's letter; `h` and `V` print and end.
    pub(super) command: char,
    /// `-Z` besides `-L` or `-S`.
    pub(super) zero: bool,
    pub(super) chain: Option<String>,
    /// New name (`-E`) or policy (`-P`).
    pub(super) second: Option<String>,
    pub(super) number: Option<usize>,
    pub(super) style: Style,
    /// One for each pair of addresses; at least one.
    pub(super) rules: Vec<Spec>,
    /// `-c`
    pub(super) counters: Option<Counter>,
    /// What is said without stopping.
    pub(super) warnings: Vec<String>,
}

const BUILTIN_TARGETS: &[&str] = &["ACCEPT", "DROP", "RETURN"];
/// `XT_EXTENSION_MAXNAMELEN`
const NAME_MAX: usize = 29;

/// Reads a command line, its name left out. `table`: what a file has said before (`*nat`).
///
/// # Errors
/// As the real tool words them.
pub(super) fn parse(words: &[String], hosts: &Hosts, table: Option<&str>) -> Result<Request, Fail> {
    let mut parser = Parser::new(words, hosts);
    if let Some(table) = table {
        table.clone_into(&mut parser.table);
    }
    while let Some(item) = parser.next() {
        if let Some(ended) = parser.item(item)? {
            return Ok(ended);
        }
    }
    parser.finish()
}

struct Parser<'a> {
    cursor: Cursor<'a>,
    hosts: &'a Hosts,
    table: String,
    command: Option<char>,
    zero: bool,
    chain: Option<String>,
    second: Option<String>,
    number: Option<usize>,
    bang: bool,
    /// Letters of the options given.
    given: Vec<char>,
    style: Style,
    spec: Spec,
    /// Addresses as they were typed: they are read last.
    from: Option<Inv<&'a str>>,
    to: Option<Inv<&'a str>>,
    sources: Vec<Cidr>,
    destinations: Vec<Cidr>,
    drafts: Vec<Draft>,
    jump: Option<String>,
    goto: bool,
    target: Option<targets::Draft>,
    counters: Option<Counter>,
    warnings: Vec<String>,
}

impl<'a> Parser<'a> {
    fn new(words: &'a [String], hosts: &'a Hosts) -> Self {
        Self {
            cursor: Cursor::new(words),
            hosts,
            table: "filter".to_owned(),
            command: None,
            zero: false,
            chain: None,
            second: None,
            number: None,
            bang: false,
            given: Vec::new(),
            style: Style::default(),
            spec: Spec::default(),
            from: None,
            to: None,
            sources: Vec::new(),
            destinations: Vec::new(),
            drafts: Vec::new(),
            jump: None,
            goto: false,
            target: None,
            counters: None,
            warnings: Vec::new(),
        }
    }

    fn next(&mut self) -> Option<Item<'a>> {
        let matches = self.drafts.iter().map(|draft| draft.ext.name());
        let loaded: Vec<_> = matches.chain(self.target.as_ref().map(targets::Draft::name)).collect();
        let before = (self.cursor.at, self.drafts.len());
        let item = self.cursor.next(&loaded)?;
        // An option that nobody knows yet may be one of the protocol's extension, which is loaded now.
        if let (Item::Unknown(word), Some(name)) = (&item, self.protocol_extension())
            && word.starts_with("--")
            && !loaded.contains(&name)
        {
            self.cursor.at = before.0;
            self.drafts.extend(Draft::new(name));
            let again = self.cursor.next(&[&loaded[..], &[name]].concat())?;
            if matches!(again, Item::Unknown(_)) {
                self.drafts.truncate(before.1);
            }
            return Some(again);
        }
        Some(item)
    }

    fn protocol_extension(&self) -> Option<&'static str> {
        match self.spec.protocol.as_ref()?.value {
            1 => Some("icmp"),
            6 => Some("tcp"),
            17 => Some("udp"),
            _ => None,
        }
    }

    fn item(&mut self, item: Item<'a>) -> Result<Option<Request>, Fail> {
        match item {
            Item::Word("!") if self.bang => return Err(Fail::param("multiple consecutive ! not allowed")),
            Item::Word("!") => {
                self.bang = true;
                return Ok(None);
            }
            Item::Word(word) => return Err(Fail::argument(word)),
            Item::Unknown(word) => return Err(Fail::param(format!("unknown option \"{word}\""))),
            Item::NoValue(word) => return Err(Fail::param(format!("option \"{word}\" requires an argument"))),
            Item::Main { letter, value } => {
                if let Some(ended) = self.main(letter, value.unwrap_or(""))? {
                    return Ok(Some(ended));
                }
            }
            Item::Of { module, option, value } => {
                let (not, proto) = (self.bang, self.spec.protocol.clone());
                let value = value.unwrap_or("");
                if let Some(draft) = self.drafts.iter_mut().rev().find(|draft| draft.ext.name() == module) {
                    let second = if option.key == "tcp-flags" { self.cursor.take_arg() } else { None };
                    draft.option(option, not, value, proto.as_ref(), second, &mut self.warnings)?;
                } else if let Some(target) = &mut self.target {
                    target.option(option, not, value, proto.as_ref())?;
                }
            }
        }
        self.bang = false;
        Ok(None)
    }

    /// Notes that an option was given; twice is a mistake, and so is `!` where it means nothing.
    fn once(&mut self, letter: char) -> Result<(), Fail> {
        if self.given.contains(&letter) {
            return Err(Fail::param(format!("multiple -{letter} flags not allowed")));
        }
        if self.bang && !matches!(letter, 's' | 'd' | 'p' | 'i' | 'o' | 'f') {
            return Err(Fail::param(format!("cannot have ! before -{letter}")));
        }
        self.given.push(letter);
        Ok(())
    }

    fn command(&mut self, letter: char) -> Result<(), Fail> {
        if self.bang {
            return Err(Fail::param("unexpected '!' flag"));
        }
        match self.command {
            Some('L' | 'S') if letter == 'Z' => self.zero = true,
            Some('Z') if matches!(letter, 'L' | 'S') => {
                self.zero = true;
                self.command = Some(letter);
            }
            Some(other) => return Err(Fail::param(format!("Cannot use -{letter} with -{other}"))),
            None => self.command = Some(letter),
        }
        Ok(())
    }

    fn main(&mut self, letter: char, value: &'a str) -> Result<Option<Request>, Fail> {
        match letter {
            'A' | 'C' | 'D' | 'I' | 'R' | 'L' | 'S' | 'F' | 'Z' | 'N' | 'X' | 'E' | 'P' => {
                self.command(letter)?;
                self.chain_words(letter, value)?;
            }
            'h' | 'V' => return Ok(Some(self.request(letter, Vec::new()))),
            'p' | 's' | 'd' | 'i' | 'o' | 'f' | 'j' | 'g' => self.rule_option(letter, value)?,
            'm' => self.load(value)?,
            'c' => self.set_counters(value)?,
            'n' | 'x' | '0' => {
                self.once(letter)?;
                match letter {
                    'n' => self.style.numeric = true,
                    'x' => self.style.exact = true,
                    _ => self.style.numbers = true,
                }
            }
            'v' => self.style.verbose = true,
            't' if self.bang => return Err(Fail::param("unexpected ! flag before --table")),
            't' => value.clone_into(&mut self.table),
            'w' | 'W' if value.is_empty() => {
                self.cursor.take_arg();
            }
            '6' => return Err(Fail { kind: super::fail::Kind::Plain(String::new()), exit: 2 }),
            _ => {}
        }
        Ok(None)
    }

    /// The words that follow a command's letter.
    fn chain_words(&mut self, letter: char, value: &'a str) -> Result<(), Fail> {
        let chain = Some(value).filter(|value| !value.is_empty() || !matches!(letter, 'L' | 'S' | 'F' | 'Z' | 'X'));
        let chain = chain.or_else(|| self.cursor.take_arg());
        self.chain = chain.map(str::to_owned).or(self.chain.take());
        match letter {
            'D' | 'I' | 'L' | 'S' | 'Z' => {
                if chain.is_some()
                    && let Some(word) = self.cursor.take_arg()
                {
                    self.number = Some(rule_number(word)?);
                }
            }
            'R' => {
                let word = self.cursor.take_arg().ok_or_else(|| Fail::param("-R requires a rule number"))?;
                self.number = Some(rule_number(word)?);
            }
            'N' => new_name(value)?,
            'E' => {
                let word = self.cursor.take_arg();
                let word = word.ok_or_else(|| Fail::param("-E requires old-chain-name and new-chain-name"))?;
                self.second = Some(word.to_owned());
            }
            'P' => {
                let word = self.cursor.take_arg();
                self.second = Some(word.ok_or_else(|| Fail::param("-P requires a chain and a policy"))?.to_owned());
            }
            _ => {}
        }
        Ok(())
    }

    fn rule_option(&mut self, letter: char, value: &'a str) -> Result<(), Fail> {
        self.once(if letter == 'g' { 'j' } else { letter })?;
        let not = self.bang;
        // For these the real tool takes the word before its place, even where the value is attached to the letter.
        let whole = self.cursor.word_before();
        let value = if matches!(letter, 'p' | 's' | 'd') { whole } else { value };
        match letter {
            'p' => {
                let number = match value.to_ascii_lowercase().as_str() {
                    "all" => 0,
                    lower => number(lower)
                        .map_or_else(|| protocol_number(value), |number| u8::try_from(number).ok())
                        .ok_or_else(|| Fail::param(format!("unknown protocol \"{value}\" specified")))?,
                };
                if number == 0 && not {
                    return Err(Fail::param("rule would never match protocol"));
                }
                self.spec.protocol = (number != 0).then_some(Inv::new(not, number));
            }
            's' => self.from = Some(Inv::new(not, value)),
            'd' => self.to = Some(Inv::new(not, value)),
            'i' => self.spec.in_iface = Some(Inv::new(not, interface(value, &mut self.warnings)?)),
            'o' => self.spec.out_iface = Some(Inv::new(not, interface(value, &mut self.warnings)?)),
            'f' => self.spec.fragment = Some(not),
            'g' => {
                self.goto = true;
                self.jump = Some(value.to_owned());
            }
            _ => self.jump_to(value)?,
        }
        Ok(())
    }

    fn jump_to(&mut self, name: &str) -> Result<(), Fail> {
        if name.is_empty() {
            return Err(Fail::param("Invalid target name (too short)"));
        }
        if name.len() >= NAME_MAX {
            return Err(Fail::param(format!("Invalid target name `{name}' ({} chars max)", NAME_MAX - 1)));
        }
        if name.contains(char::is_whitespace) {
            return Err(Fail::param(format!("Invalid target name `{name}'")));
        }
        if targets::ABSENT.contains(&name) {
            return Err(Fail::absent(&format!("-j {name}")));
        }
        self.target = targets::Draft::new(name);
        self.jump = Some(name.to_owned());
        Ok(())
    }

    fn load(&mut self, name: &str) -> Result<(), Fail> {
        if self.bang {
            return Err(Fail::param("unexpected ! flag before --match"));
        }
        if exts::ABSENT.contains(&name) {
            return Err(Fail::absent(&format!("-m {name}")));
        }
        let draft = exts::known(name).and_then(Draft::new);
        let draft =
            draft.ok_or_else(|| Fail::param(format!("Couldn't load match `{name}':No such file or directory\n")))?;
        self.drafts.push(draft);
        Ok(())
    }

    fn set_counters(&mut self, value: &str) -> Result<(), Fail> {
        self.once('c')?;
        let (packets, bytes) = match value.split_once(',') {
            Some((packets, bytes)) => (packets, bytes),
            None => {
                let bytes = self.cursor.take_arg();
                (value, bytes.ok_or_else(|| Fail::param("-c requires packet and byte counter"))?)
            }
        };
        let read =
            |text: &str, what: &str| text.parse().map_err(|_| Fail::param(format!("-c {what} counter not numeric")));
        self.counters = Some(Counter { packets: read(packets, "packet")?, bytes: read(bytes, "byte")? });
        Ok(())
    }

    fn request(&self, command: char, rules: Vec<Spec>) -> Request {
        Request {
            table: self.table.clone(),
            command,
            zero: self.zero,
            chain: self.chain.clone(),
            second: self.second.clone(),
            number: self.number,
            style: self.style,
            rules,
            counters: self.counters,
            warnings: self.warnings.clone(),
        }
    }

    /// Looks at all words together.
    fn finish(mut self) -> Result<Request, Fail> {
        self.drafts.iter().try_for_each(Draft::finish)?;
        self.spec.target = match (self.target.take(), &self.jump) {
            (Some(target), _) => target.finish()?,
            (None, None) => Target::None,
            (None, Some(name)) if self.goto => Target::Verdict(Verdict::Goto(name.clone())),
            (None, Some(name)) => Target::Verdict(match name.as_str() {
                "ACCEPT" => Verdict::Accept,
                "DROP" => Verdict::Drop,
                "RETURN" => Verdict::Return,
                _ => Verdict::Jump(name.clone()),
            }),
        };
        let Some(command) = self.command else { return Err(Fail::param("no command specified")) };
        if self.bang {
            return Err(Fail::param("nothing appropriate following !"));
        }
        if let Some(Inv { not, value }) = self.from {
            self.sources = nets(value, self.hosts)?;
            self.spec.source = self.sources.first().map(|net| Inv::new(not, *net));
        }
        if let Some(Inv { not, value }) = self.to {
            self.destinations = nets(value, self.hosts)?;
            self.spec.destination = self.destinations.first().map(|net| Inv::new(not, *net));
        }
        let many = |list: &[Cidr], net: &Option<Inv<Cidr>>| list.len() > 1 && net.as_ref().is_some_and(|net| net.not);
        if many(&self.sources, &self.spec.source) || many(&self.destinations, &self.spec.destination) {
            return Err(Fail::param("! not allowed with multiple source or destination IP addresses"));
        }
        let drops = (command == 'P' && self.second.as_deref() == Some("DROP")) || self.jump.as_deref() == Some("DROP");
        if self.table == "nat" && drops {
            let text = "The \"nat\" table is not intended for filtering, the use of DROP is therefore inhibited.";
            return Err(Fail::param(format!("\n{text}\n\n")));
        }
        if command == 'R' && (self.sources.len() > 1 || self.destinations.len() > 1) {
            return Err(Fail::param("Replacement rule does not specify a unique address"));
        }
        self.options_fit(command)?;
        if let Some(chain) = self.chain.as_deref().filter(|chain| chain.len() >= NAME_MAX) {
            return Err(Fail::param(format!("chain name `{chain}' too long (must be under {NAME_MAX} chars)")));
        }
        self.interfaces_fit(command)?;
        self.spec.exts = self.drafts.iter().map(|draft| draft.ext.clone()).collect();
        self.spec.counter = self.counters.unwrap_or_default();
        Ok(self.request(command, self.rules()))
    }

    /// Which options a command takes (`generic_opt_check`), in the real tool's order.
    fn options_fit(&self, command: char) -> Result<(), Fail> {
        let of_rules = matches!(command, 'A' | 'C' | 'I' | 'R') || (command == 'D' && self.number.is_none());
        for letter in ['n', 's', 'd', 'p', 'j', 'x', 'i', 'o', '0', 'c', 'f'] {
            let fits = match letter {
                'n' | 'x' | '0' => command == 'L',
                'c' => matches!(command, 'A' | 'I' | 'R' | 'P'),
                _ => of_rules,
            };
            if !fits && self.given.contains(&letter) {
                return Err(Fail::param(format!("Illegal option `-{letter}' with this command")));
            }
        }
        Ok(())
    }

    fn interfaces_fit(&self, command: char) -> Result<(), Fail> {
        let chain = self.chain.as_deref().unwrap_or("");
        if !matches!(command, 'A' | 'C' | 'D' | 'I' | 'R') {
            return Ok(());
        }
        if matches!(chain, "POSTROUTING" | "OUTPUT") && self.spec.in_iface.is_some() {
            return Err(Fail::param(format!("Can't use -i with {chain}\n")));
        }
        if matches!(chain, "PREROUTING" | "INPUT") && self.spec.out_iface.is_some() {
            return Err(Fail::param(format!("Can't use -o with {chain}\n")));
        }
        Ok(())
    }

    /// One rule for each pair of addresses.
    fn rules(&self) -> Vec<Spec> {
        let each = |list: &[Cidr], net: &Option<Inv<Cidr>>| match net {
            None => vec![None],
            Some(net) => list.iter().map(|addr| Some(Inv::new(net.not, *addr))).collect(),
        };
        let mut rules = Vec::new();
        for source in each(&self.sources, &self.spec.source) {
            for destination in each(&self.destinations, &self.spec.destination) {
                let all = |net: &Inv<Cidr>| net.value.prefix > 0 || net.not;
                let mut spec = self.spec.clone();
                (spec.source, spec.destination) = (source.clone().filter(all), destination.filter(all));
                rules.push(spec);
            }
        }
        rules
    }
}

fn rule_number(word: &str) -> Result<usize, Fail> {
    let number = number(word).filter(|number| (1..=i32::MAX as u32).contains(number));
    number.map(|number| number as usize).ok_or_else(|| Fail::param(format!("Invalid rule number `{word}'")))
}

/// A name for a new chain (`parse_chain`).
fn new_name(name: &str) -> Result<(), Fail> {
    if let Some(first) = name.chars().next().filter(|first| matches!(first, '-' | '!')) {
        return Err(Fail::param(format!("chain name not allowed to start with `{first}'")));
    }
    if name.len() >= NAME_MAX {
        return Err(Fail::param(format!("chain name `{name}' too long (must be under {NAME_MAX} chars)")));
    }
    if name.is_empty() || BUILTIN_TARGETS.contains(&name) || targets::Draft::new(name).is_some() {
        return Err(Fail::param("chain name may not clash with target name"));
    }
    if name.contains(char::is_whitespace) {
        return Err(Fail::param(format!("Invalid chain name `{name}'")));
    }
    Ok(())
}

/// An interface's name (`xtables_parse_interface`).
///
/// # Errors
/// Too long, or empty.
pub(super) fn interface(name: &str, warnings: &mut Vec<String>) -> Result<String, Fail> {
    if name.is_empty() {
        return Err(Fail::param("Empty interface is likely to be undesired"));
    }
    if name.len() > 15 {
        return Err(Fail::param(format!("interface name `{name}' must be shorter than IFNAMSIZ (15)")));
    }
    if name.contains(['/', ' ']) {
        warnings.push(format!(
            "Warning: weird character in interface `{name}' ('/' and ' ' are not allowed by the kernel)."
        ));
    }
    Ok(name.to_owned())
}

/// Addresses with masks, between commas (`xtables_ipparse_multiple`).
fn nets(text: &str, hosts: &Hosts) -> Result<Vec<Cidr>, Fail> {
    const ADDRESSES_MAX: usize = 256;
    let list: Vec<_> = text.split(',').collect();
    if list.len() > ADDRESSES_MAX {
        return Err(Fail::absent("a list of more than 256 addresses"));
    }
    list.into_iter().map(|item| net(item.trim_start(), hosts)).collect()
}

fn net(text: &str, hosts: &Hosts) -> Result<Cidr, Fail> {
    let (addr, mask) = text.split_once('/').map_or((text, None), |(addr, mask)| (addr, Some(mask)));
    let bad_mask = |mask: &str| Fail::param(format!("invalid mask `{mask}' specified"));
    let prefix = match mask {
        None => 32,
        Some(mask) => match number(mask) {
            Some(prefix) => u8::try_from(prefix).ok().filter(|prefix| *prefix <= 32).ok_or_else(|| bad_mask(mask))?,
            None => {
                let mask = dotted(mask).ok_or_else(|| bad_mask(mask))?;
                Cidr::prefix_of_mask(mask).ok_or_else(|| Fail::absent("a mask with holes"))?
            }
        },
    };
    let unknown = || Fail::param(format!("host/network `{addr}' not found"));
    let addr = dotted(addr).or_else(|| hosts.addr(addr)).ok_or_else(unknown)?;
    Ok(Cidr::new(addr, prefix).network())
}

/// Up to four numbers; what is missing is 0.
fn dotted(text: &str) -> Option<Ipv4Addr> {
    let mut octets = [0; 4];
    for (at, part) in text.split('.').enumerate() {
        *octets.get_mut(at)? = number(part).and_then(|number| u8::try_from(number).ok())?;
    }
    Some(Ipv4Addr::from(octets))
}
