//! Frames as a capture file, to be opened in Wireshark.

use std::rc::Rc;

use netmodes_core::id::LinkId;
use netmodes_core::view::LabView;
use web_sys::HtmlSelectElement;
use yew::prelude::*;

use crate::app::use_texts;
use crate::dom;
use crate::store::capture::capture;
use crate::store::{FrameEntry, FrameLog, Shared};

#[derive(Clone, PartialEq, Properties)]
pub(super) struct DownloadProps {
    pub(super) view: Shared<LabView>,
    pub(super) frames: Shared<FrameLog>,
    pub(super) shown: Rc<Vec<Rc<FrameEntry>>>,
    /// The chosen frame's cable.
    pub(super) link: Option<LinkId>,
}

/// Which frames, and at once the file: a menu that does.
#[component]
pub(super) fn Download(props: &DownloadProps) -> Html {
    let texts = use_texts();
    let onchange = {
        let props = props.clone();
        Callback::from(move |event: Event| {
            let Some(select) = event.target_dyn_into::<HtmlSelectElement>() else { return };
            let bytes = match select.value().as_str() {
                "shown" => capture(&props.shown, &props.view, None),
                "all" => capture(&props.frames.iter().cloned().collect::<Vec<_>>(), &props.view, None),
                "cable" => capture(&props.frames.iter().cloned().collect::<Vec<_>>(), &props.view, props.link),
                _ => return,
            };
            select.set_value("");
            dom::save("netmodes.pcapng", "application/x-pcapng", &bytes);
        })
    };
    let none = props.frames.is_empty();
    html! {
        <select class="choice download" {onchange} disabled={none} aria-label={texts.ui("download-pcap")} title={texts.ui("download-pcap")}>
            <option value="" selected=true>{ texts.ui("download-short") }</option>
            <option value="shown">{ texts.ui_count("download-shown", props.shown.len() as u64) }</option>
            <option value="all">{ texts.ui_count("download-all", props.frames.len() as u64) }</option>
            <option value="cable" disabled={props.link.is_none()}>{ texts.ui("download-cable") }</option>
        </select>
    }
}
