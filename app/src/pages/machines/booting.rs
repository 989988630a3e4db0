//! `/machines/booting`: what a site tells its DHCP server so that machines boot from here, with this host's
//! address filled in, and which services are on.

use leptos::prelude::*;

use super::crumbs;
use crate::{
    api::machines::booting::{BootServices, BootingPage, Snippets},
    routes::href::encode,
    ui::{badge::Tone, copy, icon::Icon, page, table},
};

/// The port at which firmware asks for TFTP.
const TFTP_PORT: u16 = 69;

/// The page.
#[must_use]
pub fn show(data: &BootingPage) -> AnyView {
    let snippets = data.snippets.as_ref().map(snippets);
    let none = data.snippets.is_none() && data.wrong.is_none();
    let none = none.then(|| view! { <p class="nothing">"This host has no IPv4 address. Write above at which one machines reach it."</p> });
    view! {
        {page::heading("How machines boot from here".to_owned(), crumbs(), ().into_any())}
        <p class="lead">"Firmware asks DHCP where to begin, fetches iPXE, and iPXE asks here what to boot. Put one of these into the DHCP server that is there already; it is a part of a configuration and gives no addresses."</p>
        {address(data)}
        {none}
        {page::section("What is on", services(&data.services))}
        {snippets}
    }
    .into_any()
}

/// The address that is filled in, and ways to others.
fn address(data: &BootingPage) -> AnyView {
    let shown = data.address.map(|it| it.to_string()).unwrap_or_default();
    let value = if data.typed.is_empty() { shown.clone() } else { data.typed.clone() };
    let faulty = data.wrong.is_some();
    let own: Vec<_> = data
        .own
        .iter()
        .map(ToString::to_string)
        .filter(|it| *it != shown)
        .map(|it| {
            let href = format!("/machines/booting?address={}", encode(&it));
            view! { <a href=href>{it}</a> }
        })
        .collect();
    let loopback = data.address.filter(std::net::Ipv4Addr::is_loopback).map(|_| {
        view! { <p class="attention">"The boot listener answers on this host alone. Other machines reach it once it is started with --boot-listen 0.0.0.0:8000."</p> }
    });
    let wrong = data
        .wrong
        .clone()
        .map(|it| view! { <p class="alert" id="address-wrong" role="alert">{it}</p> });
    view! {
        <form method="get" action="/machines/booting" class="search">
            <label for="address">"Machines reach this host at"</label>
            <input id="address" name="address" value=value inputmode="decimal" autocomplete="off" spellcheck="false"
                aria-invalid=faulty.then_some("true") aria-describedby=faulty.then_some("address-wrong")/>
            <button type="submit">"Fill in"</button>
            {own}
        </form>
        {wrong}
        {loopback}
    }
    .into_any()
}

/// Each service with where it is, or how it is turned on.
fn services(it: &BootServices) -> AnyView {
    let taken = if it.skips {
        " If that is what it was started with, the port was taken: the log says by whom."
    } else {
        ""
    };
    let off = |flag: &'static str, words: &'static str| {
        let about = view! { {words}" "<code>{flag}</code>" turns it on."{taken} };
        stands(false, "off", about.into_any())
    };
    let tftp = match it.tftp {
        None => off("--tftp-listen 0.0.0.0:69", "Firmware that knows TFTP only begins with it."),
        Some(address) if address.port() != TFTP_PORT => stands(true, "on", view! {
            <code>{address.to_string()}</code>". Firmware asks port 69 only, so something must lead there."
        }.into_any()),
        Some(address) => stands(true, "on", view! { <code>{address.to_string()}</code> }.into_any()),
    };
    let proxy = if it.proxy_dhcp.is_empty() {
        off(
            "--proxy-dhcp <interface>",
            "Beside a DHCP server that stays as it is, it tells firmware where iPXE is.",
        )
    } else {
        stands(true, "on", view! { "on "{it.proxy_dhcp.join(", ")}": on these networks no DHCP server needs to be told anything." }.into_any())
    };
    let nfs = match it.nfs {
        None => {
            off("--nfs-listen 0.0.0.0:2049", "Boot entries with their rootfs over NFS need it.")
        }
        Some(address) => {
            stands(true, "on", view! { <code>{address.to_string()}</code> }.into_any())
        }
    };
    let binaries = if it.binaries.is_empty() {
        stands(false, "not found", view! { "Install the Debian package "<code>"ipxe"</code>", or name their folder with "<code>"--ipxe-dir"</code>", and start the server again." }.into_any())
    } else {
        stands(true, "found", it.binaries.join(", ").into_any())
    };
    table::properties(vec![("TFTP", tftp), ("proxyDHCP", proxy), ("NFS", nfs), ("iPXE", binaries)])
}

fn stands(on: bool, word: &'static str, about: AnyView) -> AnyView {
    let (tone, icon) = if on { (Tone::Good, Icon::Check) } else { (Tone::Quiet, Icon::Dash) };
    view! {
        <span class=format!("badge {}", tone.class())>{icon.draw()}<span>{word}</span></span>
        " "{about}
    }
    .into_any()
}

fn snippets(it: &Snippets) -> AnyView {
    let part = |title, words: &'static str, text: &str, what| {
        page::section(
            title,
            view! { <p class="quiet">{words}</p>{copy::block(text, what)} }.into_any(),
        )
    };
    view! {
        {page::section("By hand", view! {
            <p class="quiet">"At a machine's iPXE prompt (Ctrl-B while it starts), once, after \"dhcp\":"</p>
            <p class="after">{copy::command(&it.chain, "the line")}</p>
        }.into_any())}
        {part("dnsmasq", "As a file of /etc/dnsmasq.d.", &it.dnsmasq, "the part for dnsmasq")}
        {part("ISC DHCP", "As a part of dhcpd.conf.", &it.isc_dhcp, "the part for ISC DHCP")}
        {part("Kea", "The classes of kea-dhcp4.conf.", &it.kea, "the part for Kea")}
        {part("An iPXE of your own", "The script to build into it (EMBED=); then DHCP says nothing but addresses.", &it.embedded_script, "the embedded script")}
    }
    .into_any()
}
