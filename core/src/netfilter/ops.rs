//! Editing a rule set as the kernel lets one (net/netfilter/nf_tables_api.c): what `iptables` and `nft` ask for, and
//! how it is refused. Handles are given out as there: one counter for tables, one in each table for chains and rules.

use super::model::{Base, Chain, Counter, Family, Part, Rule, Ruleset, Table, Verdict};
use crate::programs::Errno;

/// Names a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainRef<'a> {
    /// Its table's family.
    pub family: Family,
    /// Its table.
    pub table: &'a str,
    /// Its name.
    pub chain: &'a str,
}

/// Where a rule goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Before all others.
    First,
    /// After all others.
    Last,
    /// At this index, from 0; what is there moves down.
    Index(usize),
    /// Before the rule with this handle.
    Before(u64),
    /// After the rule with this handle.
    After(u64),
}

impl Ruleset {
    /// The table, if it is there.
    pub fn table(&self, family: Family, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.family == family && table.name == name)
    }

    /// The table, to be changed.
    ///
    /// # Errors
    /// `ENOENT`.
    pub fn table_mut(&mut self, family: Family, name: &str) -> Result<&mut Table, Errno> {
        let found = self.tables.iter_mut().find(|table| table.family == family && table.name == name);
        found.ok_or(Errno::ENOENT)
    }

    /// The table with this handle.
    pub fn table_by_handle(&self, family: Family, handle: u64) -> Option<&Table> {
        self.tables.iter().find(|table| table.family == family && table.handle == handle)
    }

    /// Makes a table.
    ///
    /// # Errors
    /// `EEXIST` when it is there (`nft create table`; `nft add table` and `iptables` use [`Ruleset::ensure_table`]).
    pub fn add_table(&mut self, family: Family, name: &str, of_iptables: bool) -> Result<&mut Table, Errno> {
        if self.table(family, name).is_some() {
            return Err(Errno::EEXIST);
        }
        self.made += 1;
        self.tables.push(Table {
            family,
            name: name.to_owned(),
            handle: self.made,
            chains: Vec::new(),
            made: 0,
            of_iptables,
        });
        self.tables.last_mut().ok_or(Errno::ENOENT)
    }

    /// The table, made if it is not there.
    ///
    /// # Errors
    /// None today.
    pub fn ensure_table(&mut self, family: Family, name: &str, of_iptables: bool) -> Result<&mut Table, Errno> {
        if self.table(family, name).is_some() {
            self.table_mut(family, name)
        } else {
            self.add_table(family, name, of_iptables)
        }
    }

    /// Deletes a table with all it holds.
    ///
    /// # Errors
    /// `ENOENT`.
    pub fn delete_table(&mut self, family: Family, name: &str) -> Result<(), Errno> {
        let at = self.tables.iter().position(|table| table.family == family && table.name == name);
        self.tables.remove(at.ok_or(Errno::ENOENT)?);
        Ok(())
    }

    /// Deletes all rules of all chains of a table; the chains stay.
    ///
    /// # Errors
    /// `ENOENT`.
    pub fn flush_table(&mut self, family: Family, name: &str) -> Result<(), Errno> {
        self.table_mut(family, name)?.chains.iter_mut().for_each(|chain| chain.rules.clear());
        Ok(())
    }

    /// Deletes everything of a family, or of all.
    pub fn flush(&mut self, family: Option<Family>) {
        self.tables.retain(|table| family.is_some_and(|family| family != table.family));
    }

    /// The chain, if it is there.
    pub fn chain(&self, at: ChainRef<'_>) -> Option<&Chain> {
        self.table(at.family, at.table)?.chain(at.chain)
    }

    /// The chain, to be changed.
    ///
    /// # Errors
    /// `ENOENT`.
    pub fn chain_mut(&mut self, at: ChainRef<'_>) -> Result<&mut Chain, Errno> {
        self.table_mut(at.family, at.table)?.chain_mut(at.chain)
    }

    /// Makes a chain.
    ///
    /// # Errors
    /// `ENOENT` (no such table), `EEXIST`, `EOPNOTSUPP` (as [`super::check::base_is_valid`]).
    pub fn add_chain(&mut self, at: ChainRef<'_>, base: Option<Base>) -> Result<&mut Chain, Errno> {
        if let Some(base) = &base {
            super::check::base_is_valid(at.family, base)?;
        }
        let table = self.table_mut(at.family, at.table)?;
        if table.chain(at.chain).is_some() {
            return Err(Errno::EEXIST);
        }
        table.made += 1;
        table.chains.push(Chain {
            name: at.chain.to_owned(),
            handle: table.made,
            base,
            rules: Vec::new(),
            policy_counter: Counter::default(),
        });
        table.chains.last_mut().ok_or(Errno::ENOENT)
    }

    /// Deletes a chain: with its rules (`nft delete chain`), or only an empty one (`iptables -X`).
    ///
    /// # Errors
    /// `ENOENT`; `EBUSY` when another chain's rule goes there, or it has rules and `with_rules` is off.
    pub fn delete_chain(&mut self, at: ChainRef<'_>, with_rules: bool) -> Result<(), Errno> {
        let table = self.table_mut(at.family, at.table)?;
        let index = table.chains.iter().position(|chain| chain.name == at.chain).ok_or(Errno::ENOENT)?;
        let others = table.chains.iter().filter(|chain| chain.name != at.chain);
        let used = others.flat_map(|chain| &chain.rules).any(|rule| rule.targets().any(|name| name == at.chain));
        if used || (!with_rules && !table.chains[index].rules.is_empty()) {
            return Err(Errno::EBUSY);
        }
        table.chains.remove(index);
        Ok(())
    }

    /// Renames a chain; rules that go there follow.
    ///
    /// # Errors
    /// `ENOENT`, `EEXIST`.
    pub fn rename_chain(&mut self, at: ChainRef<'_>, new: &str) -> Result<(), Errno> {
        let table = self.table_mut(at.family, at.table)?;
        table.chain(at.chain).ok_or(Errno::ENOENT)?;
        if table.chain(new).is_some() {
            return Err(Errno::EEXIST);
        }
        table.chain_mut(at.chain)?.name = new.to_owned();
        let parts = table.chains.iter_mut().flat_map(|chain| &mut chain.rules).flat_map(|rule| &mut rule.parts);
        for part in parts {
            if let Part::Verdict(Verdict::Jump(name) | Verdict::Goto(name)) = part
                && name == at.chain
            {
                *name = new.to_owned();
            }
        }
        Ok(())
    }

    /// Deletes all rules of a chain.
    ///
    /// # Errors
    /// `ENOENT`.
    pub fn flush_chain(&mut self, at: ChainRef<'_>) -> Result<(), Errno> {
        self.chain_mut(at)?.rules.clear();
        Ok(())
    }

    /// Sets the policy of a base chain.
    ///
    /// # Errors
    /// `ENOENT`, `EOPNOTSUPP` (a chain without a base).
    pub fn set_policy(&mut self, at: ChainRef<'_>, policy: super::model::Policy) -> Result<(), Errno> {
        self.chain_mut(at)?.base.as_mut().ok_or(Errno::EOPNOTSUPP)?.policy = policy;
        Ok(())
    }

    /// Adds a rule; its handle is given out here. Returns it.
    ///
    /// # Errors
    /// `ENOENT`: no such table or chain, no rule at that place, no chain to go to.
    pub fn add_rule(&mut self, at: ChainRef<'_>, place: Place, mut rule: Rule) -> Result<u64, Errno> {
        let table = self.table_mut(at.family, at.table)?;
        table.can_go(&rule)?;
        let handle = table.made + 1;
        let chain = table.chain_mut(at.chain)?;
        let index = match place {
            Place::First => 0,
            Place::Last => chain.rules.len(),
            Place::Index(index) => Some(index).filter(|index| *index <= chain.rules.len()).ok_or(Errno::ENOENT)?,
            Place::Before(handle) => chain.index_of(handle).ok_or(Errno::ENOENT)?,
            Place::After(handle) => chain.index_of(handle).ok_or(Errno::ENOENT)? + 1,
        };
        rule.handle = handle;
        chain.rules.insert(index, rule);
        table.made = handle;
        Ok(handle)
    }

    /// Puts a rule in the place of the one with this handle, which it keeps (seen with `nft replace rule`). Returns it.
    ///
    /// # Errors
    /// `ENOENT`.
    pub fn replace_rule(&mut self, at: ChainRef<'_>, old: u64, mut rule: Rule) -> Result<u64, Errno> {
        let table = self.table_mut(at.family, at.table)?;
        table.can_go(&rule)?;
        let chain = table.chain_mut(at.chain)?;
        let index = chain.index_of(old).ok_or(Errno::ENOENT)?;
        rule.handle = old;
        chain.rules[index] = rule;
        Ok(old)
    }

    /// Deletes the rule with this handle.
    ///
    /// # Errors
    /// `ENOENT`.
    pub fn delete_rule(&mut self, at: ChainRef<'_>, handle: u64) -> Result<(), Errno> {
        let chain = self.chain_mut(at)?;
        let index = chain.index_of(handle).ok_or(Errno::ENOENT)?;
        chain.rules.remove(index);
        Ok(())
    }

    /// Sets counters to zero: of one chain, or of a whole table.
    ///
    /// # Errors
    /// `ENOENT`.
    pub fn zero(&mut self, family: Family, table: &str, chain: Option<&str>) -> Result<(), Errno> {
        let table = self.table_mut(family, table)?;
        if let Some(name) = chain {
            table.chain_mut(name)?.zero();
        } else {
            table.chains.iter_mut().for_each(Chain::zero);
        }
        Ok(())
    }
}

impl Table {
    /// The chain, if it is there.
    pub fn chain(&self, name: &str) -> Option<&Chain> {
        self.chains.iter().find(|chain| chain.name == name)
    }

    /// The chain, to be changed.
    ///
    /// # Errors
    /// `ENOENT`.
    pub fn chain_mut(&mut self, name: &str) -> Result<&mut Chain, Errno> {
        self.chains.iter_mut().find(|chain| chain.name == name).ok_or(Errno::ENOENT)
    }

    /// How many rules of this table go to that chain (`iptables -L`: `(2 references)`).
    pub fn references(&self, chain: &str) -> usize {
        let rules = self.chains.iter().flat_map(|chain| &chain.rules);
        rules.flat_map(Rule::targets).filter(|name| *name == chain).count()
    }

    /// Every chain that a rule goes to is there.
    fn can_go(&self, rule: &Rule) -> Result<(), Errno> {
        if rule.targets().all(|name| self.chain(name).is_some()) { Ok(()) } else { Err(Errno::ENOENT) }
    }
}

impl Chain {
    /// The index of the rule with this handle.
    pub fn index_of(&self, handle: u64) -> Option<usize> {
        self.rules.iter().position(|rule| rule.handle == handle)
    }

    /// The first rule that says the same (`iptables -C`, `-D` with a rule).
    pub fn find(&self, rule: &Rule) -> Option<usize> {
        self.rules.iter().position(|other| other.says_the_same(rule))
    }

    /// Sets all its counters to zero.
    pub fn zero(&mut self) {
        self.policy_counter = Counter::default();
        for part in self.rules.iter_mut().flat_map(|rule| &mut rule.parts) {
            if let Part::Counter(counter) = part {
                *counter = Counter::default();
            }
        }
    }
}

impl Rule {
    /// The chains it goes to.
    pub fn targets(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Verdict(Verdict::Jump(name) | Verdict::Goto(name)) => Some(name.as_str()),
            _ => None,
        })
    }

    /// Its first counter.
    pub fn counter(&self) -> Option<Counter> {
        self.parts.iter().find_map(|part| match part {
            Part::Counter(counter) => Some(*counter),
            _ => None,
        })
    }

    /// Its verdict, if it ends in one.
    pub fn verdict(&self) -> Option<&Verdict> {
        self.parts.iter().find_map(|part| match part {
            Part::Verdict(verdict) => Some(verdict),
            _ => None,
        })
    }

    /// The same matches and statements in the same order and words; handles, counts and fill levels of buckets do not matter.
    pub fn says_the_same(&self, other: &Self) -> bool {
        let same = |(a, b): (&Part, &Part)| match (a, b) {
            (Part::Counter(_), Part::Counter(_)) => true,
            (Part::Limit(a), Part::Limit(b)) => {
                (a.rate, a.per_secs, a.burst, a.over) == (b.rate, b.per_secs, b.burst, b.over)
            }
            _ => a == b,
        };
        self.comment == other.comment
            && self.written == other.written
            && self.parts.len() == other.parts.len()
            && self.parts.iter().zip(&other.parts).all(same)
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::validate;
    use super::super::model::{ChainKind, Hook, NatTo, Policy, RejectWith};
    use super::*;

    const FILTER: Base = Base { kind: ChainKind::Filter, hook: Hook::Forward, priority: 0, policy: Policy::Accept };

    fn at(chain: &str) -> ChainRef<'_> {
        ChainRef { family: Family::Ip, table: "filter", chain }
    }

    fn verdict(verdict: Verdict) -> Rule {
        Rule::new(vec![Part::Counter(Counter::default()), Part::Verdict(verdict)])
    }

    fn jump(chain: &str) -> Rule {
        verdict(Verdict::Jump(chain.to_owned()))
    }

    fn rules() -> Ruleset {
        let mut rules = Ruleset::default();
        rules.add_table(Family::Ip, "filter", false).unwrap();
        rules.add_chain(at("FORWARD"), Some(FILTER)).unwrap();
        rules.add_chain(at("a"), None).unwrap();
        rules.add_chain(at("b"), None).unwrap();
        rules
    }

    #[test]
    fn what_is_there_is_not_made_again_and_what_is_not_there_is_not_found() {
        let mut rules = rules();
        assert_eq!(rules.add_table(Family::Ip, "filter", false).err(), Some(Errno::EEXIST));
        assert_eq!(rules.add_chain(at("a"), None).err(), Some(Errno::EEXIST));
        assert_eq!(rules.add_rule(at("none"), Place::Last, jump("a")).err(), Some(Errno::ENOENT));
        assert_eq!(rules.add_rule(at("a"), Place::Last, jump("none")).err(), Some(Errno::ENOENT));
        assert_eq!(rules.delete_rule(at("a"), 77).err(), Some(Errno::ENOENT));
        assert_eq!(rules.delete_table(Family::Bridge, "filter").err(), Some(Errno::ENOENT));
        assert_eq!(rules.set_policy(at("a"), Policy::Drop).err(), Some(Errno::EOPNOTSUPP));
    }

    #[test]
    fn a_chain_that_is_used_stays_and_a_rename_is_followed() {
        let mut rules = rules();
        rules.add_rule(at("FORWARD"), Place::Last, jump("a")).unwrap();
        assert_eq!(rules.delete_chain(at("a"), true).err(), Some(Errno::EBUSY));
        rules.rename_chain(at("a"), "c").unwrap();
        assert_eq!(rules.table(Family::Ip, "filter").map(|table| table.references("c")), Some(1));
        assert_eq!(rules.rename_chain(at("c"), "b").err(), Some(Errno::EEXIST));
        rules.add_rule(at("b"), Place::Last, verdict(Verdict::Accept)).unwrap();
        assert_eq!(rules.delete_chain(at("b"), false).err(), Some(Errno::EBUSY), "it has a rule");
        assert_eq!(rules.delete_chain(at("b"), true), Ok(()));
    }

    #[test]
    fn rules_go_where_they_are_told_and_handles_count_on() {
        let mut rules = rules();
        let drop = rules.add_rule(at("a"), Place::Last, verdict(Verdict::Drop)).unwrap();
        assert_eq!(drop, 4, "three chains were made before");
        rules.add_rule(at("a"), Place::First, verdict(Verdict::Accept)).unwrap();
        rules.add_rule(at("a"), Place::Before(drop), verdict(Verdict::Return)).unwrap();
        rules.add_rule(at("a"), Place::After(drop), jump("b")).unwrap();
        let replaced = rules.replace_rule(at("a"), drop, verdict(Verdict::Reject(RejectWith::TcpReset))).unwrap();
        let handles: Vec<_> = rules.chain(at("a")).unwrap().rules.iter().map(|rule| rule.handle).collect();
        assert_eq!(handles, [5, 6, replaced, 7]);
        assert_eq!(rules.chain(at("a")).unwrap().find(&jump("b")), Some(3));
    }

    #[test]
    fn a_circle_of_chains_is_refused() {
        let mut rules = rules();
        rules.add_rule(at("a"), Place::Last, jump("b")).unwrap();
        assert_eq!(validate(&rules), Ok(()));
        rules.add_rule(at("b"), Place::Last, jump("a")).unwrap();
        assert_eq!(validate(&rules), Err(Errno::ELOOP));
    }

    #[test]
    fn sixteen_chains_deep_is_the_end() {
        let mut rules = rules();
        let names: Vec<_> = (0..17).map(|i| format!("c{i}")).collect();
        names.iter().for_each(|name| {
            rules.add_chain(at(name), None).unwrap();
        });
        rules.add_rule(at("FORWARD"), Place::Last, jump("c0")).unwrap();
        for pair in names.windows(2).take(14) {
            rules.add_rule(at(&pair[0]), Place::Last, jump(&pair[1])).unwrap();
        }
        assert_eq!(validate(&rules), Ok(()));
        rules.add_rule(at("c14"), Place::Last, jump("c15")).unwrap();
        assert_eq!(validate(&rules), Err(Errno::EMLINK));
    }

    #[test]
    fn translations_are_for_nat_chains_of_the_right_hook_even_behind_a_jump() {
        let to = NatTo { addrs: None, ports: Some((80, 80)) };
        let mut rules = rules();
        rules.add_rule(at("a"), Place::Last, verdict(Verdict::Dnat(to))).unwrap();
        assert_eq!(validate(&rules), Ok(()), "nobody calls it");
        rules.add_rule(at("FORWARD"), Place::Last, jump("a")).unwrap();
        assert_eq!(validate(&rules), Err(Errno::EOPNOTSUPP));
        let base = Base { kind: ChainKind::Nat, hook: Hook::Forward, priority: 0, policy: Policy::Accept };
        assert_eq!(rules.add_chain(at("n"), Some(base)).err(), Some(Errno::EOPNOTSUPP));
    }
}
