//! A plug on its way to another socket: the cable follows the pointer, sockets light up as places to go.

use std::rc::Rc;

use netmodes_core::id::NodeId;
use netmodes_core::view::Mode;
use yew::prelude::*;

use super::f;
use crate::layout::{Curve, Point, Scene};

/// A plug that is being dragged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Drag {
    /// The VM.
    pub(super) vm: NodeId,
    /// Its adapter.
    pub(super) adapter: u8,
    /// Where the pointer is, in the scene.
    pub(super) at: Point,
    /// The host whose panel it can go to.
    pub(super) host: NodeId,
    /// The socket it would go into now.
    pub(super) target: Option<Mode>,
}

/// What the layer shows.
#[derive(Clone, PartialEq, Properties)]
pub(super) struct Props {
    /// The plug, if one is dragged.
    pub(super) drag: Option<Drag>,
    /// Where everything is.
    pub(super) scene: Rc<Scene>,
}

/// The layer of the plug that is dragged.
#[component]
pub(super) fn DragLayer(props: &Props) -> Html {
    let shown = props.drag.and_then(|drag| {
        let plug = props.scene.plug(drag.vm, drag.adapter)?;
        let sockets = props.scene.sockets.iter().filter(|socket| socket.host == drag.host);
        let target = sockets.clone().find(|socket| Some(socket.mode) == drag.target);
        let end = target.map_or(drag.at, |socket| socket.at);
        let halos = sockets.map(|socket| {
            let lit = Some(socket.mode) == drag.target;
            html! {
                <rect
                    class={classes!("halo", lit.then_some("lit"))} x={f(socket.at.x - 14.0)} y={f(socket.at.y - 16.0)}
                    width={f(socket.out.x - socket.at.x + 10.0)} height="32" rx="9"
                />
            }
        });
        Some(html! {
            <>
                { for halos }
                <path class="cable drawn" d={Curve::level(plug.at, end).svg(false)} />
                <rect class="head" x={f(end.x - 9.0)} y={f(end.y - 9.0)} width="18" height="18" rx="5" />
                <text x={f(end.x)} y={f(end.y + 4.3)} text-anchor="middle">{ drag.adapter }</text>
            </>
        })
    });
    html! { <svg class="stage-drag layer" aria-hidden="true">{ for shown }</svg> }
}
