//! The page as the program carries it, and how it is handed out: types, compression, caching, what a browser may do
//! with it.

use std::collections::BTreeMap;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{
    ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderMap,
    HeaderName, HeaderValue, IF_NONE_MATCH, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Method, Response, StatusCode};
use include_dir::{Dir, include_dir};

static EMBEDDED: Dir<'static> = include_dir!("$NETMODES_SITE_DIR");
/// What a release on a static host has, and an agent does not hand out.
const SERVICE_WORKER: &str = "sw.js";
/// Differs when any file of the page differs.
const TAG: &str = env!("NETMODES_SITE_TAG");

/// What the page may load and do: nothing from elsewhere, no inline script, and it may not be framed.
pub(crate) const CONTENT_POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; \
    form-action 'none'";

/// What a page is answered with.
pub(crate) type Answer = Response<Full<Bytes>>;

/// The page's files by path.
pub(crate) struct Site {
    files: BTreeMap<String, &'static [u8]>,
}

impl Site {
    /// The page inside this program.
    pub(crate) fn embedded() -> Self {
        let mut files = BTreeMap::new();
        collect(&EMBEDDED, &mut files);
        // It would keep the agent's page beyond the agent's life, and for another program at the same port.
        files.remove(SERVICE_WORKER);
        Self { files }
    }

    /// Answers a request for a page. Names are looked up as they are, so no path leads out of the site.
    pub(crate) fn answer(&self, method: &Method, path: &str, headers: &HeaderMap) -> Answer {
        if method != Method::GET && method != Method::HEAD {
            let mut answer = plain(StatusCode::METHOD_NOT_ALLOWED, "405\n");
            answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return answer;
        }
        let name = path.strip_prefix('/').unwrap_or(path);
        let name = if name.is_empty() { "index.html" } else { name };
        let Some(whole) = self.files.get(name) else { return plain(StatusCode::NOT_FOUND, "404\n") };
        // The better one first.
        let packed = [("br", "br"), ("gzip", "gz")].into_iter().find_map(|(coding, end)| {
            let file = self.files.get(&format!("{name}.{end}")).filter(|_| takes(headers, coding))?;
            Some((coding, *file))
        });
        let tag = format!("\"{TAG}{}\"", packed.map(|(coding, _)| format!("-{coding}")).unwrap_or_default());
        let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let known = known.flat_map(|list| list.split(',')).map(str::trim).any(|one| one == tag || one == "*");
        let mut answer = if known {
            let mut answer = Response::new(Full::default());
            *answer.status_mut() = StatusCode::NOT_MODIFIED;
            answer
        } else {
            Response::new(Full::new(Bytes::from_static(packed.map_or(*whole, |(_, file)| file))))
        };
        let set = answer.headers_mut();
        set.insert(CONTENT_TYPE, HeaderValue::from_static(media_type(name)));
        // A name with a hash in it never gets another content; what has none is always asked for again, and answered
        // with 304 as long as the program is the same.
        let keep = if is_hashed(name) { "public, max-age=31536000, immutable" } else { "no-cache" };
        set.insert(CACHE_CONTROL, HeaderValue::from_static(keep));
        set.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            set.insert(ETAG, tag);
        }
        if let (Some((coding, _)), false) = (packed, known) {
            set.insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
        }
        guarded(answer)
    }
}

/// A short answer in words.
pub(crate) fn plain(status: StatusCode, text: &str) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::copy_from_slice(text.as_bytes())));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    guarded(answer)
}

/// Tells the browser what it must not do, whatever the answer is.
fn guarded(mut answer: Answer) -> Answer {
    let set = answer.headers_mut();
    set.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_POLICY));
    set.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    set.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    let same_origin = HeaderValue::from_static("same-origin");
    set.insert(HeaderName::from_static("cross-origin-resource-policy"), same_origin.clone());
    set.insert(HeaderName::from_static("cross-origin-opener-policy"), same_origin);
    answer
}

fn collect(directory: &Dir<'static>, files: &mut BTreeMap<String, &'static [u8]>) {
    for file in directory.files() {
        files.insert(file.path().to_string_lossy().replace('\\', "/"), file.contents());
    }
    directory.dirs().for_each(|directory| collect(directory, files));
}

/// Whether `Accept-Encoding` has this coding, and not with `q=0` (RFC 9110, 12.5.3).
fn takes(headers: &HeaderMap, coding: &str) -> bool {
    let lists = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|one| {
        let mut parts = one.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(coding));
        let refused = parts.any(|part| {
            part.strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()).is_some_and(|weight| weight <= 0.0)
        });
        named && !refused
    })
}

/// Whether a release gave the name a hash of the content: `page.0123456789ab.js` (`xtask/src/build/publish.rs`).
fn is_hashed(name: &str) -> bool {
    let mut parts = name.rsplit('.').skip(1);
    let hash = parts.next().unwrap_or_default();
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    parts.next().is_some() && hash.len() == 12 && hash.bytes().all(digit)
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "wasm" => "application/wasm",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "webmanifest" => "application/manifest+json",
        "txt" | "md" | "toml" | "nms" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site() -> Site {
        let files = [
            ("index.html", &b"<p>"[..]),
            ("a.wasm", b"whole"),
            ("a.wasm.br", b"br"),
            ("a.wasm.gz", b"gz"),
            ("b.0123456789ab.js", b""),
        ];
        Site { files: files.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect() }
    }

    fn headers(list: &[(HeaderName, &'static str)]) -> HeaderMap {
        list.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    fn get(path: &str, list: &[(HeaderName, &'static str)]) -> Answer {
        site().answer(&Method::GET, path, &headers(list))
    }

    #[test]
    fn the_root_is_the_page_and_says_what_it_may_do() {
        let answer = get("/", &[]);
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()[CONTENT_SECURITY_POLICY], CONTENT_POLICY);
        assert_eq!(answer.headers()[CONTENT_TYPE], "text/html; charset=utf-8");
        assert_eq!(answer.headers()[CACHE_CONTROL], "no-cache");
    }

    #[test]
    fn what_is_compressed_goes_to_who_takes_it() {
        for (accept, encoding) in
            [("gzip, br", Some("br")), ("gzip", Some("gzip")), ("br;q=0, deflate", None), ("br;q=0.5", Some("br"))]
        {
            let answer = get("/a.wasm", &[(ACCEPT_ENCODING, accept)]);
            let found = answer.headers().get(CONTENT_ENCODING).map(|value| value.to_str().unwrap());
            assert_eq!(found, encoding, "{accept}");
            assert_eq!(answer.headers()[VARY], "Accept-Encoding");
            assert_eq!(answer.headers()[CONTENT_TYPE], "application/wasm");
        }
    }

    #[test]
    fn what_the_browser_has_is_not_sent_again() {
        let first = get("/a.wasm", &[]);
        let tag = first.headers()[ETAG].to_str().unwrap().to_owned();
        let again = |tag: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(IF_NONE_MATCH, tag.parse().unwrap());
            site().answer(&Method::GET, "/a.wasm", &headers).status()
        };
        assert_eq!(again(&tag), StatusCode::NOT_MODIFIED);
        assert_eq!(again("\"other\""), StatusCode::OK);
    }

    #[test]
    fn only_a_name_with_a_hash_is_kept_for_ever() {
        assert_eq!(get("/a.wasm", &[]).headers()[CACHE_CONTROL], "no-cache");
        let kept = get("/b.0123456789ab.js", &[]);
        assert!(kept.headers()[CACHE_CONTROL].to_str().unwrap().contains("immutable"));
        assert!(!is_hashed("page.js") && !is_hashed("0123456789ab.js") && !is_hashed("a.0123456789aG.js"));
    }

    #[test]
    fn no_path_leads_out_of_the_site() {
        for path in ["/../Cargo.toml", "/%2e%2e/Cargo.toml", "//index.html", "/./index.html", "/..", "*"] {
            assert_eq!(get(path, &[]).status(), StatusCode::NOT_FOUND, "{path}");
        }
    }

    #[test]
    fn only_reading_is_allowed() {
        let answer = site().answer(&Method::POST, "/", &HeaderMap::new());
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(answer.headers()[ALLOW], "GET, HEAD");
    }
}
