//! The labs of the cases.

use std::fmt::Write as _;

use netmodes_core::lab::Lab;
use netmodes_tests::content::{lab, lab_of};

use crate::measure::Run;

/// A lab of `static/labs`.
pub fn built_in(name: &str) -> Lab {
    lab(name)
}

fn head() -> String {
    "format_version = 1\nname = \"bench\"\ntitle = { en = \"Bench\", ru = \"Замер\" }\n".to_owned()
}

fn address(n: u32) -> String {
    format!("10.0.{}.{}", n / 250, n % 250 + 1)
}

fn cable(text: &mut String, a: &str, b: &str, delay_us: u32) {
    let _ = write!(text, "[[cable]]\na = \"{a}\"\nb = \"{b}\"\ndelay_us = {delay_us}\nrate_mbit = 1000\n");
}

/// `hosts` computers at `edges` switches at one switch, 1 Gbit/s and 5 µs a cable: the topology of the peers' figures.
pub fn tree(hosts: u32, edges: u32) -> Lab {
    tree_with(hosts, edges, 5)
}

/// The same with one second a cable, so that many frames are on their way at once.
pub fn slow_tree(hosts: u32) -> Lab {
    tree_with(hosts, 10, 1_000_000)
}

fn tree_with(hosts: u32, edges: u32, delay_us: u32) -> Lab {
    let mut text = head() + "[[switch]]\nname = \"core\"\n";
    for n in 0..edges {
        let _ = write!(text, "[[switch]]\nname = \"edge{n}\"\n");
        cable(&mut text, &format!("edge{n}"), "core", delay_us);
    }
    for n in 0..hosts {
        let interface = format!("interface = [{{ name = \"eth0\", address = [\"{}/16\"] }}]", address(n));
        let _ = write!(text, "[[machine]]\nname = \"h{n}\"\nkind = \"computer\"\n{interface}\n");
        cable(&mut text, &format!("h{n}:eth0"), &format!("edge{}", n % edges), delay_us);
    }
    lab_of(&text)
}

/// Every host calls one at the other side of the tree.
pub fn across(hosts: u32, command: &str) -> Vec<Run> {
    (0..hosts).map(|n| Run::new(&format!("h{n}"), &format!("{command} {}", address((n + hosts / 2) % hosts)))).collect()
}

/// `count` VMs bridged to one host, in an office with a large DHCP pool.
pub fn office_of(count: u32) -> Lab {
    let mut text = head()
        + "[[switch]]\nname = \"office\"\n\
           [[machine]]\nname = \"host\"\nkind = \"host\"\ninterface = [{ name = \"eth0\", address = [\"10.7.0.1/16\"] }]\n\
           [[machine]]\nname = \"server\"\nkind = \"computer\"\ninterface = [{ name = \"eth0\", address = [\"10.7.0.2/16\"] }]\n\
           [[machine.service]]\nname = \"dhcpd\"\nkind = \"dhcp\"\n[[machine.service.scope]]\ndev = \"eth0\"\n\
           first = \"10.7.1.0\"\nlast = \"10.7.200.0\"\nlease_secs = 86400\nrouter = \"10.7.0.2\"\n";
    cable(&mut text, "host:eth0", "office", 5);
    cable(&mut text, "server:eth0", "office", 5);
    for n in 0..count {
        let _ =
            write!(text, "[[vm]]\nname = \"vm{n}\"\nhost = \"host\"\n[[vm.nic]]\nadapter = 1\nmode = \"bridged\"\n");
    }
    lab_of(&text)
}

/// The same line on every VM.
pub fn each_vm(count: u32, line: &str) -> Vec<Run> {
    (0..count).map(|n| Run::new(&format!("vm{n}"), line)).collect()
}

/// Bytes of [`big_page`]'s page.
pub const PAGE_BYTES: u64 = 900_000;

/// A lab whose web server has a page of 900 kB.
pub fn big_page(name: &str) -> Lab {
    let mut lab = lab(name);
    for machine in &mut lab.machines {
        for page in machine.services.iter_mut().flat_map(|service| service.pages.values_mut()) {
            *page = "netmodes ".repeat(100_000);
        }
    }
    lab
}

/// A line that does something so many times, its output thrown away.
pub fn repeat(command: &str, times: usize) -> String {
    vec![format!("{command} -o /dev/null"); times].join("; ")
}
