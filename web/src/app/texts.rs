//! Loading the texts: the page's language first, each language once.

use std::collections::BTreeMap;
use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use super::TextsHandle;
use crate::dom;
use crate::i18n::Texts;
use crate::store::{Lang, Shared};

/// Texts of `lang`; those of the language before, or none, until they are there.
#[hook]
pub(super) fn use_loaded_texts(lang: Lang) -> TextsHandle {
    let known = use_mut_ref(BTreeMap::<&'static str, TextsHandle>::new);
    let shown = use_state(TextsHandle::default);
    {
        let (known, shown) = (known.clone(), shown.setter());
        use_effect_with(lang, move |lang| {
            let lang = *lang;
            let have = known.borrow().get(lang.code()).cloned();
            if let Some(texts) = have {
                shown.set(texts);
                return;
            }
            spawn_local(async move {
                let texts = load(lang).await;
                known.borrow_mut().insert(lang.code(), texts.clone());
                shown.set(texts);
            });
        });
    }
    (*shown).clone()
}

async fn load(lang: Lang) -> TextsHandle {
    let code = lang.code();
    let mut files = Vec::new();
    for url in [format!("./locales/{code}.json"), format!("./explain/{code}.json")] {
        match dom::fetch_text(&url).await {
            Ok(text) => files.push(Rc::<str>::from(text)),
            Err(error) => web_sys::console::error_1(&wasm_bindgen::JsValue::from_str(&error)),
        }
    }
    let files: Vec<&str> = files.iter().map(|file| &**file).collect();
    Shared::new(Texts::new(lang, &files))
}
