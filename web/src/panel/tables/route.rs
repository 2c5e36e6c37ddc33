//! Routes as `ip route` words them and in plain words, and the tool "which route would … take".

use core::net::Ipv4Addr;

use netmodes_core::id::NodeId;
use netmodes_core::view::route::{Fit, Way, fit, in_order, neighbour, way};
use netmodes_core::view::{LabView, NeighState, RouteProto, RouteRow, Scope};
use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::grid::{Grid, Line, Table};
use crate::app::{TextsHandle, use_texts};
use crate::store::Shared;

#[derive(Clone, PartialEq, Properties)]
pub(super) struct RoutesProps {
    pub(super) view: Shared<LabView>,
    pub(super) node: NodeId,
    pub(super) filter: AttrValue,
}

#[component]
pub(super) fn Routes(props: &RoutesProps) -> Html {
    let texts = use_texts();
    let asked = use_state(AttrValue::default);
    let dst = asked.trim().parse::<Ipv4Addr>().ok();
    let view = &props.view;
    let rows = in_order(view, props.node).into_iter().map(|route| {
        let fits = dst.map(|dst| fit(view, route, dst));
        let mut cells = vec![printed(view, route).into(), in_words(view, route, &texts).into()];
        if let Some(fits) = fits {
            cells.push(texts.ui(fit_key(fits)).to_string().into());
        }
        Line {
            key: format!("{:?}", route.key()),
            cells,
            lit: fits == Some(Fit::Chosen),
            about: Some(crate::store::Highlight::Iface { node: route.node, iface: route.iface }),
        }
    });
    let mut head = vec!["c-route", "c-in-words"];
    if dst.is_some() {
        head.push("c-fits");
    }
    let table = Table { caption: "t-routes", head, rows: rows.collect(), empty: Some("e-routes") };
    let oninput = {
        let asked = asked.setter();
        Callback::from(move |event: InputEvent| {
            if let Some(input) = event.target_dyn_into::<HtmlInputElement>() {
                asked.set(input.value().into());
            }
        })
    };
    let bad = !asked.trim().is_empty() && dst.is_none();
    html! {
        <div class="routes">
            <Grid {table} filter={props.filter.clone()} />
            <div class="which">
                <label>{ texts.ui("which-route") }{ " " }
                    <input class="filter" id="which-route" value={(*asked).clone()} {oninput} placeholder="8.8.8.8" inputmode="decimal"
                        spellcheck="false" autocomplete="off" aria-invalid={bad.to_string()} aria-describedby="which-answer" />
                </label>
                <p id="which-answer" role="status" class={classes!(bad.then_some("wrong"))}>
                    if bad { { texts.ui("which-bad") } }
                    if let Some(dst) = dst { { answer(view, props.node, dst, &texts) } }
                </p>
            </div>
        </div>
    }
}

const fn fit_key(fit: Fit) -> &'static str {
    match fit {
        Fit::Chosen => "fit-chosen",
        Fit::Elsewhere => "fit-elsewhere",
        Fit::Down => "fit-down",
        Fit::Shorter => "fit-shorter",
        Fit::Metric => "fit-metric",
    }
}

fn iface(view: &LabView, node: NodeId, index: u32) -> String {
    view.ifaces.get(&(node, index)).map_or_else(|| index.to_string(), |iface| iface.name.clone())
}

/// The route as `ip route` prints it.
pub(super) fn printed(view: &LabView, route: &RouteRow) -> String {
    let mut line = if route.dst.prefix == 0 { "default".to_owned() } else { route.dst.to_string() };
    if let Some(via) = route.via {
        line += &format!(" via {via}");
    }
    line += &format!(" dev {}", iface(view, route.node, route.iface));
    match route.proto {
        RouteProto::Boot => {}
        RouteProto::Kernel => line += " proto kernel",
        RouteProto::Static => line += " proto static",
        RouteProto::Dhcp => line += " proto dhcp",
    }
    if route.scope == Scope::Link {
        line += " scope link";
    }
    if let Some(src) = route.src {
        line += &format!(" src {src}");
    }
    if route.metric != 0 {
        line += &format!(" metric {}", route.metric);
    }
    if route.linkdown {
        line += " linkdown";
    }
    line
}

fn in_words(view: &LabView, route: &RouteRow, texts: &TextsHandle) -> String {
    let key = match (route.dst.prefix, route.via) {
        (0, Some(_)) => "route-rest",
        (0, None) => "route-rest-direct",
        (_, Some(_)) => "route-via",
        (_, None) => "route-direct",
    };
    let via = route.via.map(|via| via.to_string()).unwrap_or_default();
    let args = [("net", route.dst.to_string()), ("via", via), ("iface", iface(view, route.node, route.iface))];
    texts.ui_with(key, &args).to_string()
}

/// Where a packet goes, and why.
fn answer(view: &LabView, node: NodeId, dst: Ipv4Addr, texts: &TextsHandle) -> String {
    let say = |key: &str, args: &[(&str, String)]| texts.ui_with(key, args).to_string();
    let addr = ("addr", dst.to_string());
    match way(view, node, dst) {
        Way::Local => say("way-local", &[addr]),
        Way::Broadcast(index) => say("way-broadcast", &[("iface", iface(view, node, index))]),
        Way::None => say("way-none", &[addr]),
        Way::Route(route) => {
            let hop = route.via.unwrap_or(dst);
            let fits =
                |fit_wanted| in_order(view, node).into_iter().filter(|r| fit(view, r, dst) == fit_wanted).count();
            let why = match (fits(Fit::Metric), fits(Fit::Shorter)) {
                (0, 0) => say("way-only", &[]),
                (0, _) => say("way-longest", &[("prefix", route.dst.prefix.to_string())]),
                _ => {
                    say("way-metric", &[("prefix", route.dst.prefix.to_string()), ("metric", route.metric.to_string())])
                }
            };
            let key = if route.via.is_some() { "way-gateway" } else { "way-direct" };
            let args = [
                addr,
                ("route", printed(view, route)),
                ("hop", hop.to_string()),
                ("iface", iface(view, node, route.iface)),
            ];
            let known = neighbour(view, node, route.iface, hop).filter(|row| row.state != NeighState::Failed);
            let mac = match known.and_then(|row| row.mac) {
                Some(mac) => say("way-mac", &[("mac", mac.to_string())]),
                None => say("way-arp", &[("hop", hop.to_string())]),
            };
            format!("{} {why} {mac}", say(key, &args))
        }
    }
}
