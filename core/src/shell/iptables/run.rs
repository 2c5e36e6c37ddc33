//! What a command does to the rule set, and what it says, as iptables-nft does it: tables and chains come into being
//! with the first rule or policy that needs them.

use super::args::Request;
use super::fail::Fail;
use super::list::{self, counts};
use super::names::Hosts;
use super::print;
use super::read::{Unreadable, is_compatible, read};
use super::spec::{Ext, Inv, Spec, Target};
use crate::netfilter::check;
use crate::netfilter::model::{
    Base, Chain, ChainKind, Counter, Family, Hook, Policy, RejectWith, Ruleset, Table, Verdict,
};
use crate::netfilter::ops::{ChainRef, Place};
use crate::programs::Errno;
use crate::shell::meaning;
use crate::shell::out::Text;

use ChainKind::{Filter, Nat, Route};
use Hook::{Forward, Input, Output, Postrouting, Prerouting};

/// A table's chains: name, kind, hook, priority.
type Builtin = &'static [(&'static str, ChainKind, Hook, i32)];

/// The tables that `iptables` knows, in the order of `iptables-save` (iptables/nft.c `xtables_ipv4`).
pub(super) const TABLES: &[(&str, Builtin)] = &[
    (
        "mangle",
        &[
            ("PREROUTING", Filter, Prerouting, -150),
            ("INPUT", Filter, Input, -150),
            ("FORWARD", Filter, Forward, -150),
            ("OUTPUT", Route, Output, -150),
            ("POSTROUTING", Filter, Postrouting, -150),
        ],
    ),
    ("security", &[("INPUT", Filter, Input, 150), ("FORWARD", Filter, Forward, 150), ("OUTPUT", Filter, Output, 150)]),
    ("raw", &[("PREROUTING", Filter, Prerouting, -300), ("OUTPUT", Filter, Output, -300)]),
    ("filter", &[("INPUT", Filter, Input, 0), ("FORWARD", Filter, Forward, 0), ("OUTPUT", Filter, Output, 0)]),
    (
        "nat",
        &[
            ("PREROUTING", Nat, Prerouting, -100),
            ("INPUT", Nat, Input, 100),
            ("OUTPUT", Nat, Output, -100),
            ("POSTROUTING", Nat, Postrouting, 100),
        ],
    ),
];

const NO_CHAIN: &str = "No chain/target/match by that name.";
const BAD_RULE: &str = "Bad rule (does a matching rule exist in that chain?).";

/// A table of `iptables` within a rule set.
pub(super) struct Work<'a> {
    pub(super) rules: &'a mut Ruleset,
    pub(super) table: &'a str,
    pub(super) hosts: &'a Hosts,
    pub(super) out: &'a mut Text,
    /// Whether rules are looked at one by one, as the kernel would on committing each.
    pub(super) validate: bool,
}

/// The chains of a table of that name.
pub(super) fn builtin(table: &str) -> Option<Builtin> {
    TABLES.iter().find(|(name, _)| *name == table).map(|(_, chains)| *chains)
}

impl Work<'_> {
    fn found(&self) -> Option<&Table> {
        self.rules.table(Family::Ip, self.table)
    }

    fn chain(&self, name: &str) -> Option<&Chain> {
        self.found()?.chain(name)
    }

    fn base(&self, chain: &str) -> Option<Base> {
        let (_, kind, hook, priority) = builtin(self.table)?.iter().find(|(name, ..)| *name == chain)?;
        Some(Base { kind: *kind, hook: *hook, priority: *priority, policy: Policy::Accept })
    }

    /// Makes the table, and the chain if it is one of the table's own.
    fn ensure(&mut self, chain: &str) -> Result<(), Fail> {
        let base = self.base(chain);
        let fail = |errno: Errno| Fail::kernel("TABLE_ADD", errno.text(), &format!("table {}", self.table));
        self.rules.ensure_table(Family::Ip, self.table, true).map_err(fail)?;
        if self.chain(chain).is_none() {
            let base = base.ok_or_else(|| Fail::reason(NO_CHAIN))?;
            let at = ChainRef { family: Family::Ip, table: self.table, chain };
            let fail = |errno: Errno| Fail::kernel("CHAIN_ADD", errno.text(), &format!("chain {chain}"));
            self.rules.add_chain(at, Some(base)).map_err(fail)?;
        }
        Ok(())
    }

    /// Carries out a request.
    pub(super) fn run(&mut self, request: &Request) -> Result<(), Fail> {
        let chain = request.chain.as_deref();
        let named = chain.unwrap_or("");
        match request.command {
            'A' | 'I' | 'R' | 'D' | 'C' => self.rule_command(request, named)?,
            'L' | 'S' => {
                if request.command == 'L' {
                    self.list(chain, request)?;
                } else {
                    self.save_rules(chain, request)?;
                }
                if request.zero {
                    self.zero(chain, request)?;
                }
            }
            'F' => self.flush(chain, request.style.verbose)?,
            'Z' => self.zero(chain, request)?,
            'N' => self.new_chain(named)?,
            'X' => self.delete_chains(chain, request.style.verbose)?,
            'E' => self.rename(named, request.second.as_deref().unwrap_or(""))?,
            _ => self.policy(named, request.second.as_deref().unwrap_or(""), request.counters)?,
        }
        Ok(())
    }

    fn rule_command(&mut self, request: &Request, chain: &str) -> Result<(), Fail> {
        if !matches!(request.command, 'D' | 'C') || request.number.is_none() {
            self.target_exists(&request.rules)?;
        }
        for (index, spec) in request.rules.iter().enumerate() {
            match (request.command, request.number) {
                ('A', _) => self.add(chain, Place::Last, spec, "RULE_APPEND")?,
                ('I', number) => {
                    let at = number.unwrap_or(1) - 1;
                    if self.chain(chain).map_or(0, |chain| chain.rules.len()) < at {
                        let known = self.base(chain).is_some() || self.chain(chain).is_some();
                        return Err(Fail::reason(if known { "Index of insertion too big." } else { NO_CHAIN }));
                    }
                    self.add(chain, Place::Index(at), spec, "RULE_INSERT")?;
                }
                ('R', number) => self.replace(chain, number.unwrap_or(1) - 1, spec)?,
                ('D', Some(number)) => {
                    if index == 0 {
                        self.delete_at(chain, number - 1, "Index of deletion too big.", NO_CHAIN)?;
                    }
                    continue;
                }
                (command, _) => {
                    let at = self.find(chain, spec).ok_or_else(|| Fail::reason(BAD_RULE))?;
                    if command == 'D' {
                        self.delete_at(chain, at, BAD_RULE, BAD_RULE)?;
                    }
                }
            }
            if request.style.verbose {
                let told = list::told(spec, self.hosts);
                self.out.append(told);
            }
        }
        Ok(())
    }

    /// A rule can go only to a chain that is there.
    pub(super) fn target_exists(&self, rules: &[Spec]) -> Result<(), Fail> {
        for spec in rules {
            if let Target::Verdict(Verdict::Jump(name) | Verdict::Goto(name)) = &spec.target
                && self.chain(name).is_none()
            {
                return Err(Fail::param(format!("Chain '{name}' does not exist")));
            }
        }
        Ok(())
    }

    fn add(&mut self, chain: &str, place: Place, spec: &Spec, what: &str) -> Result<(), Fail> {
        self.needs_protocol(spec)?;
        self.ensure(chain)?;
        let refused = |errno: Errno| Fail::kernel(what, errno.text(), &format!("rule in chain {chain}"));
        self.extensions_fit(chain, spec).map_err(refused)?;
        let at = ChainRef { family: Family::Ip, table: self.table, chain };
        self.rules.add_rule(at, place, spec.to_rule()).map_err(refused)?;
        self.validated(what, chain)
    }

    fn validated(&self, what: &str, chain: &str) -> Result<(), Fail> {
        if !self.validate {
            return Ok(());
        }
        check::validate(self.rules).map_err(|errno| {
            // An extension's own check says EINVAL where nft's expression says EOPNOTSUPP.
            let errno = if errno == Errno::EOPNOTSUPP { Errno::EINVAL } else { errno };
            Fail::kernel(what, errno.text(), &format!("rule in chain {chain}"))
        })
    }

    fn replace(&mut self, chain: &str, at: usize, spec: &Spec) -> Result<(), Fail> {
        let found = self.chain(chain).ok_or_else(|| Fail::reason(NO_CHAIN))?;
        let old = found.rules.get(at).ok_or_else(|| Fail::reason("Index of replacement too big."))?.handle;
        self.needs_protocol(spec)?;
        let refused = |errno: Errno| Fail::kernel("RULE_REPLACE", errno.text(), &format!("rule in chain {chain}"));
        self.extensions_fit(chain, spec).map_err(refused)?;
        let place = ChainRef { family: Family::Ip, table: self.table, chain };
        self.rules.replace_rule(place, old, spec.to_rule()).map_err(refused)?;
        self.validated("RULE_REPLACE", chain)
    }

    /// The native TCP and UDP matches need their protocol before them.
    fn needs_protocol(&self, spec: &Spec) -> Result<(), Fail> {
        for ext in &spec.exts {
            let Ext::Ports { udp, source, destination, flags } = ext else { continue };
            let asks = source.is_some() || destination.is_some() || flags.is_some();
            let fits = match spec.protocol {
                Some(Inv { not: true, .. }) => true,
                Some(Inv { value, .. }) => value == if *udp { 17 } else { 6 },
                None => false,
            };
            if asks && !fits {
                let (name, upper) = if *udp { ("udp", "UDP") } else { ("tcp", "TCP") };
                return Err(Fail::param(format!("{upper} match requires '-p {name}'")));
            }
        }
        Ok(())
    }

    /// What the kernel's extensions refuse (`checkentry` and the hooks of net/netfilter/xt_*.c).
    fn extensions_fit(&self, chain: &str, spec: &Spec) -> Result<(), Errno> {
        let hook = self.base(chain).map(|base| base.hook);
        let proto = spec.protocol.as_ref().filter(|proto| !proto.not).map(|proto| proto.value);
        let exts = spec.exts.iter().all(|ext| match ext {
            Ext::Ports { udp, .. } => {
                spec.protocol.as_ref().is_some_and(|proto| proto.not) || { proto == Some(if *udp { 17 } else { 6 }) }
            }
            Ext::Icmp(_) => proto == Some(1),
            Ext::Mac(_) => !matches!(hook, Some(Output | Postrouting)),
            Ext::Physdev { output: Some(_), .. } => hook != Some(Output),
            _ => true,
        });
        let target = match &spec.target {
            Target::Verdict(Verdict::Reject(with)) => {
                self.table == "filter" && (*with != RejectWith::TcpReset || proto == Some(6))
            }
            Target::Notrack => self.table == "raw",
            _ => true,
        };
        if exts && target { Ok(()) } else { Err(Errno::EINVAL) }
    }

    fn find(&self, chain: &str, spec: &Spec) -> Option<usize> {
        // What was asked for is read back as the kernel would show it.
        let wanted = read(&spec.to_rule()).ok()?;
        let same = |rule| read(rule).is_ok_and(|other| other.says_the_same(&wanted));
        self.chain(chain)?.rules.iter().position(same)
    }

    fn delete_at(&mut self, chain: &str, at: usize, too_big: &str, no_chain: &str) -> Result<(), Fail> {
        let found = self.chain(chain).ok_or_else(|| Fail::reason(no_chain))?;
        let handle = found.rules.get(at).ok_or_else(|| Fail::reason(too_big))?.handle;
        let place = ChainRef { family: Family::Ip, table: self.table, chain };
        self.rules.delete_rule(place, handle).map_err(|_| Fail::reason(too_big))
    }

    /// Chains in the order in which they are shown: the table's own, then the others by name.
    fn order(&self) -> Vec<String> {
        let own = builtin(self.table).unwrap_or(&[]);
        let mut others: Vec<_> = self.found().map_or(&[][..], |table| &table.chains).iter().collect();
        others.retain(|chain| chain.base.is_none());
        others.sort_by(|a, b| a.name.cmp(&b.name));
        let own = own.iter().map(|(name, ..)| (*name).to_owned());
        own.chain(others.into_iter().map(|chain| chain.name.clone())).collect()
    }

    /// A base chain of another kind than iptables would make is not for its eyes.
    fn fits(&self, chain: &Chain) -> bool {
        match (&chain.base, self.base(&chain.name)) {
            (None, own) => own.is_none(),
            (Some(base), Some(own)) => (base.kind, base.hook, base.priority) == (own.kind, own.hook, own.priority),
            (Some(_), None) => false,
        }
    }

    fn visible(&self, name: &str) -> Option<&Chain> {
        self.chain(name).filter(|chain| self.fits(chain))
    }

    /// The chains to show: one, or all.
    ///
    /// # Errors
    /// What iptables-nft cannot read.
    pub(super) fn shown(&mut self, chain: Option<&str>) -> Result<Vec<String>, Fail> {
        let incompatible = |what: String| Fail {
            kind: super::fail::Kind::Versioned(format!("{what} is incompatible, use 'nft' tool.")),
            exit: 1,
        };
        if let Some(name) = chain {
            let there = self.base(name).is_some() || self.visible(name).is_some();
            if !there || !self.visible(name).is_none_or(|chain| chain.rules.iter().all(is_compatible)) {
                return Err(incompatible(format!("chain `{name}' in table `{}'", self.table)));
            }
            return Ok(vec![name.to_owned()]);
        }
        let order = self.order();
        let readable = order.iter().filter_map(|name| self.visible(name)).flat_map(|chain| &chain.rules);
        if !readable.into_iter().all(is_compatible) {
            return Err(incompatible(format!("table `{}'", self.table)));
        }
        if self.hides_chains() {
            let line =
                format!("# Table `{}' contains incompatible base-chains, use 'nft' tool to list them.\n", self.table);
            self.out.put(line);
        }
        Ok(order)
    }

    fn hides_chains(&self) -> bool {
        self.found().is_some_and(|table| table.chains.iter().any(|chain| chain.base.is_some() && !self.fits(chain)))
    }

    fn list(&mut self, chain: Option<&str>, request: &Request) -> Result<(), Fail> {
        let style = request.style;
        for (index, name) in self.shown(chain)?.iter().enumerate() {
            if index > 0 {
                self.out.put("\n");
            }
            if request.number.is_none() {
                self.title(name, style);
                self.out.append(list::heading(style));
            }
            let rules = self.visible(name).map(|chain| chain.rules.clone()).unwrap_or_default();
            for (at, rule) in rules.iter().enumerate() {
                if request.number.is_none_or(|number| number == at + 1) {
                    let row = list::row(&readable(rule)?, at + 1, style, self.hosts);
                    self.out.append(row);
                }
            }
        }
        Ok(())
    }

    fn title(&mut self, name: &str, style: list::Style) {
        let found = self.visible(name);
        let (policy, counter) = policy_of(found);
        let is_own = self.base(name).is_some();
        let references = self.found().map_or(0, |table| table.references(name));
        self.out.put("Chain ").word(name, meaning::RULE_CHAIN).put(" (");
        if is_own {
            self.out.put("policy ").word(policy, meaning::RULE_POLICY);
            if style.verbose {
                let (packets, bytes) = if style.exact {
                    (counter.packets.to_string(), counter.bytes.to_string())
                } else {
                    let both = counts(counter, false);
                    let mut words = both.split_whitespace().map(str::to_owned);
                    (words.next().unwrap_or_default(), words.next().unwrap_or_default())
                };
                let counters = format!("{packets} packets, {bytes} bytes");
                self.out.put(" ").word(counters, meaning::RULE_COUNTERS);
            }
        } else {
            self.out.word(format!("{references} references"), meaning::RULE_REFERENCES);
        }
        self.out.put(")\n");
    }

    fn save_rules(&mut self, chain: Option<&str>, request: &Request) -> Result<(), Fail> {
        let (verbose, number) = (request.style.verbose, request.number);
        let names = self.shown(chain)?;
        if number.is_none() {
            for name in &names {
                let (policy, counter) = policy_of(self.visible(name));
                if self.base(name).is_none() {
                    self.out.put("-N ").word(name, meaning::RULE_CHAIN).put("\n");
                    continue;
                }
                self.out.put("-P ").word(name, meaning::RULE_CHAIN).put(" ").word(policy, meaning::RULE_POLICY);
                if verbose {
                    let counters = format!("{} {}", counter.packets, counter.bytes);
                    self.out.put(" -c ").word(counters, meaning::RULE_COUNTERS);
                }
                self.out.put("\n");
            }
        }
        for name in &names {
            let rules = self.visible(name).map(|chain| chain.rules.clone()).unwrap_or_default();
            for (at, rule) in rules.iter().enumerate() {
                if number.is_none_or(|number| number == at + 1) {
                    let line = print::rule(&readable(rule)?, name, verbose);
                    self.out.append(line);
                }
            }
        }
        Ok(())
    }

    fn flush(&mut self, chain: Option<&str>, verbose: bool) -> Result<(), Fail> {
        if let Some(name) = chain
            && self.chain(name).is_none()
            && self.base(name).is_none()
        {
            return Err(Fail::reason(NO_CHAIN));
        }
        for name in self.order().iter().filter(|name| chain.is_none_or(|chain| chain == *name)) {
            if verbose {
                self.out.put(format!("Flushing chain `{name}'\n"));
            }
            if self.chain(name).is_some() {
                let at = ChainRef { family: Family::Ip, table: self.table, chain: name };
                self.rules.flush_chain(at).map_err(|_| Fail::reason(NO_CHAIN))?;
            }
        }
        Ok(())
    }

    fn zero(&mut self, chain: Option<&str>, request: &Request) -> Result<(), Fail> {
        if let Some(name) = chain
            && self.chain(name).is_none()
            && self.base(name).is_none()
        {
            return Err(Fail::reason(NO_CHAIN));
        }
        for name in self.order().iter().filter(|name| chain.is_none_or(|chain| chain == *name)) {
            if request.style.verbose && request.number.is_none() && request.command == 'Z' {
                self.out.put(format!("Zeroing chain `{name}'\n"));
            }
            let at = ChainRef { family: Family::Ip, table: self.table, chain: name };
            let Ok(found) = self.rules.chain_mut(at) else { continue };
            match request.number {
                None => found.zero(),
                Some(number) => {
                    let rule = found.rules.get_mut(number - 1);
                    let rule = rule.ok_or_else(|| Fail::reason("Index of counter too big."))?;
                    for part in &mut rule.parts {
                        if let crate::netfilter::model::Part::Counter(counter) = part {
                            *counter = Counter::default();
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn new_chain(&mut self, name: &str) -> Result<(), Fail> {
        if self.base(name).is_some() || self.chain(name).is_some() {
            return Err(Fail::reason("Chain already exists."));
        }
        let fail = |errno: Errno| Fail::kernel("CHAIN_USER_ADD", errno.text(), &format!("chain {name}"));
        self.rules.ensure_table(Family::Ip, self.table, true).map_err(fail)?;
        let at = ChainRef { family: Family::Ip, table: self.table, chain: name };
        self.rules.add_chain(at, None).map_err(fail)?;
        Ok(())
    }

    fn delete_chains(&mut self, chain: Option<&str>, verbose: bool) -> Result<(), Fail> {
        let busy = |name: &str| Fail::kernel("CHAIN_DEL", Errno::EBUSY.text(), &format!("chain {name}"));
        if let Some(name) = chain {
            let found = self.chain(name).ok_or_else(|| Fail::reason(NO_CHAIN))?;
            if found.rules.is_empty() && found.base.is_some_and(|base| base.policy != Policy::Accept) {
                return Err(Fail::reason("Directory not empty."));
            }
            if verbose {
                self.out.put(format!("Deleting chain `{name}'\n"));
            }
            let at = ChainRef { family: Family::Ip, table: self.table, chain: name };
            return self.rules.delete_chain(at, false).map_err(|_| busy(name));
        }
        let chains = self.found().map(|table| table.chains.clone()).unwrap_or_default();
        if verbose {
            let mut names = self.order();
            names.retain(|name| self.base(name).is_none());
            for name in names {
                self.out.put(format!("Deleting chain `{name}'\n"));
            }
        }
        // A chain that only chains to be deleted go to goes with them, as in one transaction.
        let before = self.rules.clone();
        for chain in chains.iter().filter(|chain| chain.base.is_none()) {
            if let Err(errno) = self.rules.delete_chain(self_at(self.table, &chain.name), false) {
                let _ = errno;
                *self.rules = before;
                return Err(busy(&chain.name));
            }
        }
        let idle = |chain: &&Chain| {
            chain.rules.is_empty() && self.fits(chain) && chain.base.is_some_and(|b| b.policy == Policy::Accept)
        };
        for chain in chains.iter().filter(idle).map(|chain| chain.name.clone()).collect::<Vec<_>>() {
            let _ = self.rules.delete_chain(self_at(self.table, &chain), false);
        }
        Ok(())
    }

    fn rename(&mut self, old: &str, new: &str) -> Result<(), Fail> {
        let at = self_at(self.table, old);
        self.rules.rename_chain(at, new).map_err(|errno| match errno {
            Errno::EEXIST => Fail::reason("File exists."),
            _ => Fail::reason(NO_CHAIN),
        })
    }

    /// Sets a policy.
    ///
    /// # Errors
    /// As the real tool words them.
    pub(super) fn policy(&mut self, chain: &str, policy: &str, counter: Option<Counter>) -> Result<(), Fail> {
        if self.base(chain).is_none() {
            return Err(Fail::reason("Bad built-in chain name."));
        }
        let policy = match policy {
            "ACCEPT" => Policy::Accept,
            "DROP" => Policy::Drop,
            _ => return Err(Fail::reason("Bad policy name. Run `dmesg' for more information.")),
        };
        self.ensure(chain)?;
        let found = self.rules.chain_mut(self_at(self.table, chain)).map_err(|_| Fail::reason(NO_CHAIN))?;
        if let Some(base) = &mut found.base {
            base.policy = policy;
        }
        if let Some(counter) = counter {
            found.policy_counter = counter;
        }
        Ok(())
    }
}

const fn self_at<'a>(table: &'a str, chain: &'a str) -> ChainRef<'a> {
    ChainRef { family: Family::Ip, table, chain }
}

/// A chain's policy in words, and its counter.
pub(super) fn policy_of(chain: Option<&Chain>) -> (&'static str, Counter) {
    let drops = chain.and_then(|chain| chain.base).is_some_and(|base| base.policy == Policy::Drop);
    (if drops { "DROP" } else { "ACCEPT" }, chain.map(|chain| chain.policy_counter).unwrap_or_default())
}

/// The rule as a specification.
///
/// # Errors
/// iptables-nft stumbles over it.
pub(super) fn readable(rule: &crate::netfilter::model::Rule) -> Result<Spec, Fail> {
    read(rule).map_err(|why| match why {
        Unreadable::Incompatible => Fail::reason("incompatible"),
        Unreadable::Stumbles(text) => Fail::version(format!("Parsing nftables rule failed\u{0}{text}")),
    })
}
