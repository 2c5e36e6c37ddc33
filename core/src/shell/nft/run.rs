//! What commands of nft do to the rule set, all of them or none, and how a refusal points at the word that is to blame.

use super::ast::{At, ChainBody, ChainName, Command, Draft, Error, Name, Span, Statement, TableName};
use super::print::{self, Style};
use crate::netfilter::check;
use crate::netfilter::model::Ruleset;
use crate::netfilter::ops::{ChainRef, Place};
use crate::programs::Errno;
use crate::shell::out::Text;

/// A rule set that is being changed.
pub(super) struct Run<'a> {
    pub(super) rules: &'a mut Ruleset,
    pub(super) style: Style,
    /// Commands come from a file: nft has read all tables then, and can guess what was meant.
    pub(super) from_file: bool,
    /// `-e`
    pub(super) echo: bool,
    pub(super) out: &'a mut Text,
    /// Whether nft warns that a table is iptables'.
    pub(super) warnings: Vec<String>,
}

type Done = Result<(), Error>;

const NOT_THERE: &str = "No such file or directory";

fn kernel(errno: Errno, at: &Span) -> Error {
    Error::new(format!("Could not process rule: {}", errno.text()), at.clone())
}

fn chain_ref(chain: &ChainName) -> ChainRef<'_> {
    ChainRef { family: chain.table.family, table: &chain.table.name.text, chain: &chain.name.text }
}

impl Run<'_> {
    /// Carries out a command.
    pub(super) fn command(&mut self, statement: &Statement) -> Done {
        let whole = &statement.at;
        match &statement.command {
            Command::Nothing => Ok(()),
            Command::AddTable { table, create, chains } => self.add_table(table, *create, chains, whole),
            Command::AddChain { chain, create, body } => self.add_chain(chain, *create, body, whole),
            Command::AddRule { chain, at, insert, draft } => self.add_rule(chain, at, *insert, draft, whole),
            Command::ReplaceRule { chain, handle, draft } => {
                self.there(chain)?;
                self.target_is_there(chain, draft)?;
                let at = chain_ref(chain);
                self.rules.replace_rule(at, handle.0, draft.rule.clone()).map_err(|errno| kernel(errno, &handle.1))?;
                self.valid(draft, whole)
            }
            Command::DeleteTable(Some(table), _) => {
                let deleted = self.rules.delete_table(table.family, &table.name.text);
                deleted.map_err(|errno| kernel(errno, &table.name.at))
            }
            Command::DeleteTable(None, Some((family, handle, at))) => {
                let found = self.rules.table_by_handle(*family, *handle).map(|table| table.name.clone());
                let name = found.ok_or_else(|| kernel(Errno::ENOENT, at))?;
                self.rules.delete_table(*family, &name).map_err(|errno| kernel(errno, at))
            }
            Command::DeleteTable(None, None) => Ok(()),
            Command::DeleteChain(chain) => {
                self.guess(chain)?;
                let deleted = self.rules.delete_chain(chain_ref(chain), true);
                deleted.map_err(|errno| kernel(errno, &chain.name.at))
            }
            Command::DeleteRule(chain, (handle, at)) => {
                self.there(chain)?;
                self.rules.delete_rule(chain_ref(chain), *handle).map_err(|errno| kernel(errno, at))
            }
            Command::RenameChain(chain, new) => {
                self.guess(chain)?;
                let renamed = self.rules.rename_chain(chain_ref(chain), &new.text);
                renamed.map_err(|errno| kernel(errno, &chain.name.at))
            }
            Command::FlushRuleset(family) => {
                self.rules.flush(*family);
                Ok(())
            }
            Command::FlushTable(table) => {
                let flushed = self.rules.flush_table(table.family, &table.name.text);
                flushed.map_err(|errno| kernel(errno, &table.name.at))
            }
            Command::FlushChain(chain) => {
                self.there(chain)?;
                self.rules.flush_chain(chain_ref(chain)).map_err(|errno| kernel(errno, &chain.name.at))
            }
            Command::ListRuleset(_)
            | Command::ListTables(_)
            | Command::ListTable(_)
            | Command::ListChains(_)
            | Command::ListChain(_) => self.list(&statement.command),
        }
    }

    fn list(&mut self, command: &Command) -> Done {
        let rules = self.rules.clone();
        let style = self.style;
        match command {
            Command::ListRuleset(family) => {
                self.warn(&rules, |table| family.is_none_or(|family| family == table.family));
                print::ruleset(self.out, &rules, *family, style);
            }
            Command::ListTables(family) => {
                for table in rules.tables.iter().filter(|table| family.is_none_or(|only| only == table.family)) {
                    self.out.put(format!("table {} ", print::family(table.family)));
                    self.out.word(&table.name, crate::shell::meaning::RULE_TABLE);
                    if style.handles {
                        self.out.put(format!(" # handle {}", table.handle));
                    }
                    self.out.put("\n");
                }
            }
            Command::ListTable(name) => {
                let table = rules.table(name.family, &name.name.text);
                let table = table.ok_or_else(|| Error::new(NOT_THERE, name.name.at.clone()))?;
                self.warn(&rules, |other| other.handle == table.handle);
                print::table(self.out, table, None, true, style);
            }
            Command::ListChains(family) => {
                for table in rules.tables.iter().filter(|table| family.is_none_or(|only| only == table.family)) {
                    print::table(self.out, table, None, false, style);
                }
            }
            Command::ListChain(chain) => {
                let name = &chain.table.name;
                let table = rules.table(chain.table.family, &name.text);
                let table = table.ok_or_else(|| Error::new(NOT_THERE, name.at.clone()))?;
                if table.chain(&chain.name.text).is_none() {
                    return Err(Error::new(NOT_THERE, chain.name.at.clone()));
                }
                self.warn(&rules, |other| other.handle == table.handle);
                print::table(self.out, table, Some(&chain.name.text), true, style);
            }
            _ => {}
        }
        Ok(())
    }

    fn warn(&mut self, rules: &Ruleset, of: impl Fn(&crate::netfilter::model::Table) -> bool) {
        for table in rules.tables.iter().filter(|table| of(table) && print::is_managed(table)) {
            let (family, name) = (print::family(table.family), &table.name);
            self.warnings.push(format!("# Warning: table {family} {name} is managed by iptables-nft, do not touch!"));
        }
    }

    fn add_table(&mut self, table: &TableName, create: bool, chains: &[(Name, ChainBody)], whole: &Span) -> Done {
        let name = &table.name;
        let added = if create {
            self.rules.add_table(table.family, &name.text, false).map(|_| ())
        } else {
            self.rules.ensure_table(table.family, &name.text, false).map(|_| ())
        };
        added.map_err(|errno| kernel(errno, &name.at))?;
        // Chains first, so that a rule may go to one that stands below.
        for (chain, body) in chains {
            let chain = ChainName { table: table.clone(), name: chain.clone() };
            self.add_chain(&chain, false, body, whole)?;
        }
        for (chain, body) in chains {
            let chain = ChainName { table: table.clone(), name: chain.clone() };
            for (draft, at) in &body.rules {
                self.add_rule(&chain, &At::End, false, draft, at)?;
            }
        }
        Ok(())
    }

    fn add_chain(&mut self, chain: &ChainName, create: bool, body: &ChainBody, whole: &Span) -> Done {
        let table = &chain.table;
        let found = self.rules.table(table.family, &table.name.text);
        let found = found.ok_or_else(|| Error::new(NOT_THERE, table.name.at.clone()))?;
        if let Some(old) = found.chain(&chain.name.text) {
            let key = |base: &crate::netfilter::model::Base| (base.kind, base.hook, base.priority);
            let same = body.base.as_ref().is_none_or(|new| old.base.as_ref().map(key) == Some(key(new)));
            if create || !same {
                return Err(kernel(Errno::EEXIST, &chain.name.at));
            }
            if let Some((policy, at)) = &body.policy {
                let set = self.rules.set_policy(chain_ref(chain), *policy);
                set.map_err(|errno| kernel(errno, at))?;
            }
            return Ok(());
        }
        if let (None, Some((_, at))) = (&body.base, &body.policy) {
            return Err(kernel(Errno::EOPNOTSUPP, at));
        }
        let mut base = body.base;
        if let (Some(base), Some((policy, _))) = (&mut base, &body.policy) {
            base.policy = *policy;
        }
        self.rules.add_chain(chain_ref(chain), base).map_err(|errno| kernel(errno, whole))?;
        Ok(())
    }

    fn add_rule(&mut self, chain: &ChainName, at: &At, insert: bool, draft: &Draft, whole: &Span) -> Done {
        if self.from_file {
            self.guess(chain)?;
        }
        self.there(chain)?;
        let (place, span) = match at {
            At::End => (if insert { Place::First } else { Place::Last }, whole),
            At::Handle(handle, span) if insert => (Place::Before(*handle), span),
            At::Handle(handle, span) => (Place::After(*handle), span),
            At::Index(index, span) => {
                let length = self.rules.chain(chain_ref(chain)).map_or(0, |chain| chain.rules.len());
                if *index >= length {
                    return Err(kernel(Errno::ENOENT, span));
                }
                (Place::Index(if insert { *index } else { *index + 1 }), span)
            }
        };
        if let Ok(table) = self.rules.table_mut(chain.table.family, &chain.table.name.text) {
            table.made += draft.sets;
        }
        self.target_is_there(chain, draft)?;
        let added = self.rules.add_rule(chain_ref(chain), place, draft.rule.clone());
        let handle = added.map_err(|errno| kernel(errno, span))?;
        self.valid(draft, whole)?;
        if self.echo {
            let word = if insert { "insert" } else { "add" };
            let table = &chain.table;
            self.out.put(format!(
                "{word} rule {} {} {} ",
                print::family(table.family),
                table.name.text,
                chain.name.text
            ));
            print::rule(self.out, table.family, &draft.rule, self.style);
            if self.style.handles {
                self.out.put(format!(" # handle {handle}"));
            }
            self.out.put("\n");
        }
        Ok(())
    }

    /// The chain a rule goes to must be there. The kernel has given the rule a number by then.
    fn target_is_there(&mut self, chain: &ChainName, draft: &Draft) -> Done {
        let Ok(table) = self.rules.table_mut(chain.table.family, &chain.table.name.text) else { return Ok(()) };
        let missing = draft.rule.targets().any(|name| table.chain(name).is_none());
        if let Some(at) = &draft.missing {
            table.made += 1;
            return Err(kernel(Errno::ENOENT, at));
        }
        match &draft.target {
            Some(at) if missing => {
                table.made += 1;
                Err(kernel(Errno::ENOENT, at))
            }
            _ => Ok(()),
        }
    }

    fn valid(&self, draft: &Draft, whole: &Span) -> Done {
        // Large texts are looked at once, when they are handed over.
        if self.from_file {
            return Ok(());
        }
        check::validate(self.rules).map_err(|errno| match (&draft.target, errno) {
            (Some(at), Errno::ELOOP | Errno::EMLINK) => kernel(errno, at),
            _ => kernel(errno, draft.reject.as_ref().filter(|_| errno == Errno::ENOENT).unwrap_or(whole)),
        })
    }

    /// Table and chain must be there.
    fn there(&self, chain: &ChainName) -> Done {
        let table = &chain.table;
        match self.rules.table(table.family, &table.name.text) {
            None => Err(kernel(Errno::ENOENT, &table.name.at)),
            Some(found) if found.chain(&chain.name.text).is_none() => Err(kernel(Errno::ENOENT, &chain.name.at)),
            Some(_) => Ok(()),
        }
    }

    /// The same, and nft says which it thinks was meant.
    fn guess(&self, chain: &ChainName) -> Done {
        let table = &chain.table;
        let Some(found) = self.rules.table(table.family, &table.name.text) else {
            let near = self.rules.tables.iter().find(|other| other.family == table.family);
            let near = near.ok_or_else(|| kernel(Errno::ENOENT, &table.name.at))?;
            let family = print::family(near.family);
            let text = format!("{NOT_THERE}; did you mean table ‘{}’ in family {family}?", near.name);
            return Err(Error::new(text, table.name.at.clone()));
        };
        if found.chain(&chain.name.text).is_some() {
            return Ok(());
        }
        let all = self.rules.tables.iter().flat_map(|table| table.chains.iter().map(move |chain| (table, chain)));
        let near = nearest(&chain.name.text, all.map(|pair| (pair.1.name.as_str(), pair)));
        let (table, near) = near.ok_or_else(|| kernel(Errno::ENOENT, &chain.name.at))?;
        let family = print::family(table.family);
        let text = format!("{NOT_THERE}; did you mean chain ‘{}’ in table {family} ‘{}’?", near.name, table.name);
        Err(Error::new(text, chain.name.at.clone()))
    }
}

/// The name that needs the fewest letters changed; of equals the first.
fn nearest<'a, T>(name: &str, names: impl Iterator<Item = (&'a str, T)>) -> Option<T> {
    let mut best: Option<(usize, T)> = None;
    for (other, value) in names {
        let distance = distance(name, other);
        if best.as_ref().is_none_or(|(least, _)| distance < *least) {
            best = Some((distance, value));
        }
    }
    best.map(|(_, value)| value)
}

/// Letters to add, drop or change.
fn distance(a: &str, b: &str) -> usize {
    const LETTERS_MAX: usize = 64;
    let (a, b): (Vec<_>, Vec<_>) = (a.chars().take(LETTERS_MAX).collect(), b.chars().take(LETTERS_MAX).collect());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut before = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = before + usize::from(x != y);
            before = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(before + 1);
        }
    }
    row[b.len()]
}
