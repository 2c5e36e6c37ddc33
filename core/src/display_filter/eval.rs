//! Deciding for one frame.

use core::cmp::Ordering;

use super::value::{Value, compare, compare_values, contains};
use super::{Context, Expr, Kind, Literal, Op, Right};

pub(super) fn passes(expr: &Expr, context: &Context<'_>) -> bool {
    match expr {
        Expr::Or(parts) => parts.iter().any(|part| passes(part, context)),
        Expr::And(parts) => parts.iter().all(|part| passes(part, context)),
        Expr::Not(inner) => !passes(inner, context),
        Expr::Has(name) => !name.0.values(context).is_empty(),
        Expr::Bits(name, mask) => {
            name.0.values(context).iter().any(|value| matches!(value, Value::Number(number) if number & mask != 0))
        }
        Expr::Test { left, mask, op, right } => {
            let mut values = left.0.values(context);
            if let Some(mask) = mask {
                for value in &mut values {
                    if let Value::Number(number) = value {
                        *number &= mask;
                    }
                }
            }
            match right {
                Right::Literal(literal) => test(&values, *op, literal),
                Right::Field(other) => {
                    let others = other.0.values(context);
                    let pairs = || values.iter().flat_map(|a| others.iter().map(move |b| compare_values(a, b)));
                    holds(*op, pairs)
                }
            }
        }
        Expr::In { left, not, set } => {
            let values = left.0.values(context);
            let found = values.iter().any(|value| set.iter().any(|(from, to)| among(value, from, to.as_ref())));
            // Wireshark's `not in` is the opposite of `in`.
            found != *not
        }
    }
}

fn test(values: &[Value<'_>], op: Op, literal: &Literal) -> bool {
    if op == Op::Contains {
        return values.iter().any(|value| contains(value, literal));
    }
    holds(op, || values.iter().map(|value| compare(value, literal)))
}

/// Any of the pairs for `==`, `<` and so on; all of them, and at least one, for `!=` and `===`.
fn holds<I: Iterator<Item = Option<Ordering>>>(op: Op, pairs: impl Fn() -> I) -> bool {
    let one = |order: Option<Ordering>| match op {
        Op::Eq | Op::AllEq => order == Some(Ordering::Equal),
        Op::Ne | Op::AnyNe => order.is_none_or(|order| order != Ordering::Equal),
        Op::Gt => order == Some(Ordering::Greater),
        Op::Lt => order == Some(Ordering::Less),
        Op::Ge => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        Op::Le => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        Op::Contains => false,
    };
    match op {
        Op::Ne | Op::AllEq => pairs().next().is_some() && pairs().all(one),
        _ => pairs().any(one),
    }
}

fn among(value: &Value<'_>, from: &Literal, to: Option<&Literal>) -> bool {
    match to {
        None => compare(value, from) == Some(Ordering::Equal),
        Some(to) => {
            matches!(compare(value, from), Some(Ordering::Greater | Ordering::Equal))
                && matches!(compare(value, to), Some(Ordering::Less | Ordering::Equal))
        }
    }
}

/// Whether two types can be compared with one another.
pub(super) fn alike(a: Kind, b: Kind) -> bool {
    let number = |kind| matches!(kind, Kind::Uint(_) | Kind::Bool);
    a == b || number(a) && number(b)
}
