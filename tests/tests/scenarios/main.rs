//! Scenarios: what a student does, on the whole core, headless. Needs nothing from the system.

mod bridge;
mod dhcp;
mod exercises;
mod hypervisor;
mod labs;
mod lecture;
mod nat;
mod nat_modes;
mod netfilter;
mod port_forward;
mod reach;
mod stack;
mod tcp;
mod terminals;
mod tour;
mod walk;
mod why;
