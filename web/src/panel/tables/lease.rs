//! A DHCP client: the clock of its lease, and its state machine with the state it is in (RFC 2131, figure 5).

use netmodes_core::id::NodeId;
use netmodes_core::time::SimTime;
use netmodes_core::view::{DhcpClientRow, DhcpClientState, LabView};
use yew::prelude::*;

use super::grid::left;
use crate::app::{use_dispatch, use_lab_time, use_texts};
use crate::store::{Action, Clock, Shared};

/// Width of the clock's bar.
const WIDTH: f64 = 520.0;
/// Half a state's box.
const HALF: (f64, f64) = (50.0, 12.0);

#[derive(Clone, PartialEq, Properties)]
pub(super) struct LeaseProps {
    pub(super) view: Shared<LabView>,
    pub(super) node: NodeId,
}

/// The clients of a machine.
#[component]
pub(super) fn Leases(props: &LeaseProps) -> Html {
    let (texts, dispatch) = (use_texts(), use_dispatch());
    let rows: Vec<&DhcpClientRow> = props.view.dhcp_clients.values().filter(|row| row.node == props.node).collect();
    let clients = rows.into_iter().map(|row| {
        let iface = props.view.ifaces.get(&(row.node, row.iface));
        let name = iface.map_or_else(|| row.iface.to_string(), |iface| iface.name.clone());
        let filter = iface.map_or_else(|| "dhcp".to_owned(), |iface| format!("dhcp && dhcp.hw.mac_addr == {}", iface.mac));
        let onclick = dispatch.callback(move |_: MouseEvent| Action::Filter(filter.clone()));
        let addr = row.addr.map_or_else(|| "—".to_owned(), |addr| addr.to_string());
        let server = row.server.map_or_else(|| "—".to_owned(), |server| server.to_string());
        let args = [("iface", name), ("addr", addr), ("server", server)];
        html! {
            <section class="client" key={row.iface}>
                <h3>{ texts.ui_with("lease-head", &args) }</h3>
                <LeaseClock row={row.clone()} />
                <div class="machine-box">
                    { machine(row.state, &texts.ui_with("lease-state-is", &[("state", name_of(row.state).to_owned())])) }
                    <p><b class="mono">{ name_of(row.state) }</b>{ ": " }{ texts.ui(&format!("client-{}", name_of(row.state).to_ascii_lowercase())) }{ " " }
                        <button type="button" class="choice" {onclick}>{ texts.ui("lease-frames") }</button></p>
                </div>
            </section>
        }
    });
    html! { <>{ for clients }</> }
}

/// The state's name in RFC 2131, figure 5.
pub(super) const fn name_of(state: DhcpClientState) -> &'static str {
    match state {
        DhcpClientState::Init => "INIT",
        DhcpClientState::Selecting => "SELECTING",
        DhcpClientState::Requesting => "REQUESTING",
        DhcpClientState::Bound => "BOUND",
        DhcpClientState::Renewing => "RENEWING",
        DhcpClientState::Rebinding => "REBINDING",
        DhcpClientState::InitReboot => "INIT-REBOOT",
    }
}

#[derive(Clone, PartialEq, Properties)]
struct ClockProps {
    row: DhcpClientRow,
}

/// Which share of the lease is over at `at`.
fn share(since: SimTime, at: SimTime, expires: SimTime) -> f64 {
    let all = expires.since(since).as_secs_f64();
    if all <= 0.0 { 1.0 } else { (at.since(since).as_secs_f64() / all).clamp(0.0, 1.0) }
}

/// The lease as a bar with its marks, and where it is now.
#[component]
fn LeaseClock(props: &ClockProps) -> Html {
    let texts = use_texts();
    let clock = use_context::<Clock>().unwrap_or_default();
    let now = use_lab_time(clock, 250);
    let row = &props.row;
    let (Some(since), Some(expires)) = (row.since, row.expires) else { return html! {} };
    let x = |at: SimTime| 10.0 + share(since, at, expires) * (WIDTH - 20.0);
    let mark = |name: &'static str, at: Option<SimTime>| {
        let Some(at) = at else { return html! {} };
        let (x, over) = (x(at), at <= now);
        html! {
            <g class={classes!("lease-mark", over.then_some("over"))}>
                <path d={format!("M{x} 14V34")} /><text x={x.to_string()} y="10" text-anchor="middle">{ name }</text>
            </g>
        }
    };
    let stage = match (row.renew_at, row.rebind_at) {
        (_, Some(t2)) if t2 <= now => "late",
        (Some(t1), _) if t1 <= now => "mid",
        _ => "early",
    };
    let rest = |at: Option<SimTime>| {
        at.map_or_else(
            || "—".to_owned(),
            |at| if at <= now { texts.ui("lease-over").to_string() } else { left(at, now, &texts) },
        )
    };
    let words = texts
        .ui_with("lease-left", &[("t1", rest(row.renew_at)), ("t2", rest(row.rebind_at)), ("end", rest(row.expires))]);
    html! {
        <div class="lease-clock">
            <svg viewBox={format!("0 0 {WIDTH} 40")} aria-hidden="true">
                <rect class="lease-all" x="10" y="18" width={(WIDTH - 20.0).to_string()} height="12" rx="3" />
                <rect class={classes!("lease-gone", stage)} x="10" y="18" width={(x(now) - 10.0).to_string()} height="12" rx="3" />
                { mark("T1", row.renew_at) }{ mark("T2", row.rebind_at) }
                <path class="lease-now" d={format!("M{0} 14 V34", x(now))} />
            </svg>
            <p>{ words }</p>
        </div>
    }
}

const PLACES: [(DhcpClientState, f64, f64); 7] = [
    (DhcpClientState::Init, 70.0, 30.0),
    (DhcpClientState::Selecting, 230.0, 30.0),
    (DhcpClientState::Requesting, 390.0, 30.0),
    (DhcpClientState::InitReboot, 70.0, 110.0),
    (DhcpClientState::Bound, 390.0, 110.0),
    (DhcpClientState::Rebinding, 230.0, 190.0),
    (DhcpClientState::Renewing, 390.0, 190.0),
];

/// Arrows as paths, with the message that goes along and where its words stand.
const ARROWS: [(&str, &str, f64, f64); 10] = [
    ("M120 30H178", "DISCOVER", 150.0, 22.0),
    ("M280 30H338", "REQUEST", 310.0, 22.0),
    ("M390 42V96", "ACK", 406.0, 72.0),
    ("M350 18C300 0 150 0 100 16", "NAK", 230.0, 12.0),
    ("M120 110H338", "REQUEST / ACK", 230.0, 104.0),
    ("M70 98V44", "NAK", 88.0, 74.0),
    ("M380 122V176", "T1: REQUEST", 344.0, 152.0),
    ("M406 178V124", "ACK", 424.0, 152.0),
    ("M340 190H282", "T2", 310.0, 184.0),
    ("M180 184C20 170 10 90 40 44", "NAK / 0 s", 60.0, 160.0),
];

/// The machine, drawn.
fn machine(now: DhcpClientState, label: &str) -> Html {
    let boxes = PLACES.iter().map(|(state, x, y)| {
        html! {
            <g class={classes!("client-state", (*state == now).then_some("now"))} data-state={name_of(*state)}>
                <rect x={(x - HALF.0).to_string()} y={(y - HALF.1).to_string()} width={(HALF.0 * 2.0).to_string()} height={(HALF.1 * 2.0).to_string()} rx="5" />
                <text x={x.to_string()} y={(y + 4.0).to_string()} text-anchor="middle">{ name_of(*state) }</text>
            </g>
        }
    });
    let arrows = ARROWS.iter().map(|(path, words, x, y)| {
        html! { <g class="arrow"><path d={*path} marker-end="url(#dhcp-tip)" /><text x={x.to_string()} y={y.to_string()} text-anchor="middle">{ *words }</text></g> }
    });
    html! {
        <svg class="client-machine" viewBox="0 0 460 214" role="img" aria-label={label.to_owned()}>
            <defs><marker id="dhcp-tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" class="tip" /></marker></defs>
            { for arrows }{ for boxes }
        </svg>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_shows_how_much_of_the_lease_is_over() {
        let at = SimTime::from_secs;
        assert_eq!(share(at(100), at(100), at(300)), 0.0);
        assert_eq!(share(at(100), at(200), at(300)), 0.5);
        assert_eq!(share(at(100), at(900), at(300)), 1.0);
        assert_eq!(share(at(100), at(100), at(100)), 1.0, "a lease without length is over");
    }
}
