//! TCP over cables that lose frames.

use netmodes_core::drop_reason::DropReason;
use netmodes_core::event::Fact;
use netmodes_tests::content::lab_of;
use netmodes_tests::scripts::{run, stdout};

/// Two computers and a cable that loses `loss_ppm` frames of a million; `server` has a page of `lines` lines.
fn lab(loss_ppm: u32, lines: usize) -> netmodes_core::lab::Lab {
    let page = "All frames are equal, but some get lost on the way.\\n".repeat(lines);
    lab_of(&format!(
        "format_version = 1\nname = \"lossy\"\ntitle = {{ en = \"Loss\", ru = \"Потери\" }}\n\
        [[machine]]\nname = \"client\"\nkind = \"computer\"\ninterface = [{{ name = \"eth0\", address = [\"10.0.0.1/24\"] }}]\n\
        [[machine]]\nname = \"server\"\nkind = \"computer\"\ninterface = [{{ name = \"eth0\", address = [\"10.0.0.2/24\"] }}]\n\
        [[machine.service]]\nname = \"http\"\nkind = \"http\"\npages = {{ \"/\" = \"{page}\" }}\n\
        [[cable]]\na = \"client:eth0\"\nb = \"server:eth0\"\ndelay_us = 500\nrate_mbit = 100\nloss_ppm = {loss_ppm}\n"
    ))
}

#[test]
fn a_page_arrives_whole_however_many_frames_the_cable_loses() {
    let lines = 4_000;
    for (seed, loss_ppm) in [(1, 0), (1, 10_000), (2, 50_000), (3, 100_000), (4, 200_000)] {
        let report = run(&lab(loss_ppm, lines), seed, "client: ping -c 1 10.0.0.2\nclient: curl -s http://10.0.0.2/\n");
        let lost = report.events.iter().filter(
            |event| matches!(&event.fact, Fact::FrameDropped(dropped) if dropped.reason == DropReason::LinkLoss),
        );
        assert_eq!(lost.count() > 0, loss_ppm > 0, "{loss_ppm} ppm");
        let page = "All frames are equal, but some get lost on the way.\n".repeat(lines);
        assert!(stdout(&report, 1) == page, "{loss_ppm} ppm: {} bytes of {}", stdout(&report, 1).len(), page.len());
    }
}
