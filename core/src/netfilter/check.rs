//! Whether a rule set can be put into the kernel: what nf_tables looks at before it commits a transaction
//! (`nf_tables_validate`, `nft_chain_validate`, `nf_tables_check_loops`).

use super::model::{Base, Chain, ChainKind, Family, Hook, Match, Part, Ruleset, Table, Verdict};
use crate::limits;
use crate::programs::Errno;

/// Chains within chains at most (include/net/netfilter/nf_tables.h `NFT_JUMP_STACK_SIZE`).
pub const JUMP_DEPTH_MAX: usize = 16;
/// Longest name of a table or chain in bytes (include/uapi/linux/netfilter/nf_tables.h `NFT_NAME_MAXLEN` less its 0).
const NAME_BYTES_MAX: usize = 255;
/// `nat` chains come after conntrack (net/netfilter/nf_tables_api.c: `NF_IP_PRI_CONNTRACK`).
const CONNTRACK_PRIORITY: i32 = -200;

/// Whether the kernel has such a base chain.
///
/// # Errors
/// `EOPNOTSUPP` where the family or hook has no such type, or a `nat` chain would come before conntrack.
pub fn base_is_valid(family: Family, base: &Base) -> Result<(), Errno> {
    match (base.kind, family, base.hook) {
        (ChainKind::Filter, _, _) => Ok(()),
        (ChainKind::Nat, Family::Ip | Family::Inet, hook)
            if base.priority > CONNTRACK_PRIORITY && hook != Hook::Forward =>
        {
            Ok(())
        }
        (ChainKind::Route, Family::Ip | Family::Inet, Hook::Output) => Ok(()),
        _ => Err(Errno::EOPNOTSUPP),
    }
}

/// Whether the whole set can be put into the kernel.
///
/// # Errors
/// `ENOENT` (a rule goes to a chain that is not there), `ELOOP` (chains go to each other in a circle), `EMLINK`
/// (deeper than [`JUMP_DEPTH_MAX`]), `EOPNOTSUPP` (a base chain, a translation or a refusal where none can be),
/// `EINVAL` (a name), `ENOMEM` (more than [`crate::limits`] allows).
pub fn validate(rules: &Ruleset) -> Result<(), Errno> {
    let chains = rules.tables.iter().map(|table| table.chains.len()).sum::<usize>();
    let count = rules.tables.iter().flat_map(|table| &table.chains).map(|chain| chain.rules.len()).sum::<usize>();
    if rules.tables.len() > limits::NETFILTER_TABLES_MAX
        || chains > limits::NETFILTER_CHAINS_MAX
        || count > limits::NETFILTER_RULES_MAX
    {
        return Err(Errno::ENOMEM);
    }
    for table in &rules.tables {
        name_is_valid(&table.name)?;
        let base = table.chains.iter().filter_map(|chain| chain.base.as_ref());
        base.map(|base| base_is_valid(table.family, base)).collect::<Result<Vec<_>, _>>()?;
        for chain in &table.chains {
            name_is_valid(&chain.name)?;
            for rule in &chain.rules {
                if rule.parts.len() > limits::NETFILTER_RULE_PARTS_MAX || rule.parts.iter().any(is_too_large) {
                    return Err(Errno::ENOMEM);
                }
                if rule.targets().any(|name| table.chain(name).is_none()) {
                    return Err(Errno::ENOENT);
                }
            }
        }
        loops(table)?;
        for chain in &table.chains {
            let mut seen = vec![0; table.chains.len()];
            reach(table, chain, chain.base.as_ref(), 0, &mut seen)?;
        }
    }
    Ok(())
}

fn name_is_valid(name: &str) -> Result<(), Errno> {
    if name.is_empty() || name.len() > NAME_BYTES_MAX { Err(Errno::EINVAL) } else { Ok(()) }
}

fn is_too_large(part: &Part) -> bool {
    let Part::Match { what, .. } = part else { return false };
    let len = match what {
        Match::InIface(list) | Match::OutIface(list) | Match::PhysdevIn(list) | Match::PhysdevOut(list) => list.len(),
        Match::Source(list) | Match::Destination(list) => list.len(),
        Match::Protocol(list) => list.len(),
        Match::SourcePort(list) | Match::DestinationPort(list) => list.len(),
        Match::Icmp(list) => list.len(),
        Match::CtState(list) => list.len(),
        Match::CtStatus(list) => list.len(),
        Match::SourceMac(list) | Match::DestinationMac(list) => list.len(),
        Match::EtherType(list) | Match::ArpOperation(list) => list.len(),
        Match::TcpFlags { .. }
        | Match::PhysdevIsBridged
        | Match::DestinationIsLocal
        | Match::Fragment
        | Match::Ttl(..) => 0,
    };
    len > limits::NETFILTER_SET_MAX
}

/// No chain leads back to itself: chains whose targets are all settled are settled, until nothing changes.
fn loops(table: &Table) -> Result<(), Errno> {
    let index = |name: &str| table.chains.iter().position(|chain| chain.name == name);
    let mut waits: Vec<Vec<usize>> = table
        .chains
        .iter()
        .map(|chain| chain.rules.iter().flat_map(|rule| rule.targets()).filter_map(index).collect())
        .collect();
    let mut settled = vec![false; waits.len()];
    loop {
        let mut changed = false;
        for at in 0..waits.len() {
            if !settled[at] {
                waits[at].retain(|target| !settled[*target]);
                if waits[at].is_empty() {
                    settled[at] = true;
                    changed = true;
                }
            }
        }
        if !changed {
            return if settled.iter().all(|done| *done) { Ok(()) } else { Err(Errno::ELOOP) };
        }
    }
}

/// Walks what a base chain reaches. `seen[i]`: one more than the depth at which chain `i` has been looked at already;
/// a second way there that is no deeper finds nothing new.
fn reach(table: &Table, chain: &Chain, base: Option<&Base>, depth: usize, seen: &mut [usize]) -> Result<(), Errno> {
    if depth >= JUMP_DEPTH_MAX {
        return Err(Errno::EMLINK);
    }
    let at = table.chains.iter().position(|other| other.name == chain.name).ok_or(Errno::ENOENT)?;
    if seen[at] > depth {
        return Ok(());
    }
    seen[at] = depth + 1;
    for part in chain.rules.iter().flat_map(|rule| &rule.parts) {
        let Part::Verdict(verdict) = part else { continue };
        if let Some(base) = base
            && !allowed(table.family, base, verdict)
        {
            return Err(Errno::EOPNOTSUPP);
        }
        if let Verdict::Jump(name) | Verdict::Goto(name) = verdict {
            let target = table.chain(name).ok_or(Errno::ENOENT)?;
            reach(table, target, base, depth + 1, seen)?;
        }
    }
    Ok(())
}

/// Whether a verdict may stand where this base chain leads (`nft_masq_validate`, `nft_nat_validate`,
/// `nft_redir_validate`, `nft_reject_validate`).
fn allowed(family: Family, base: &Base, verdict: &Verdict) -> bool {
    let nat = base.kind == ChainKind::Nat && family != Family::Bridge;
    match verdict {
        Verdict::Accept | Verdict::Drop | Verdict::Return | Verdict::Jump(_) | Verdict::Goto(_) => true,
        Verdict::Masquerade { .. } => nat && base.hook == Hook::Postrouting,
        Verdict::Snat(_) => nat && matches!(base.hook, Hook::Postrouting | Hook::Input),
        Verdict::Dnat(_) | Verdict::Redirect { .. } => nat && matches!(base.hook, Hook::Prerouting | Hook::Output),
        // net/netfilter/nft_reject.c, net/bridge/netfilter/nft_reject_bridge.c.
        Verdict::Reject(_) if family == Family::Bridge => matches!(base.hook, Hook::Prerouting | Hook::Input),
        Verdict::Reject(_) => base.kind == ChainKind::Filter && base.hook != Hook::Postrouting,
    }
}
