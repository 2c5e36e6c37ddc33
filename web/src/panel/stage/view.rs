//! What the stage's layers share: the camera, and how all of them are told of a new one.
//!
//! Panning must not render components again: the pictures' `viewBox` is set on the elements, and the canvas is painted.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::Element;
use yew::{Callback, NodeRef};

use crate::layout::{Camera, Point, Rect, Scene, Size};

/// The camera and the layers that follow it.
#[derive(Default)]
pub(super) struct View {
    /// The box that holds the layers.
    pub(super) board: NodeRef,
    /// What is seen.
    camera: Cell<Camera>,
    /// How large the board is, in pixels.
    size: Cell<Size>,
    /// What is drawn.
    pub(super) scene: RefCell<Rc<Scene>>,
    /// The pointer has dragged something: the click that follows is not one.
    pub(super) dragged: Cell<bool>,
    /// Paints the canvas; set by the canvas.
    pub(super) paint: RefCell<Option<Callback<()>>>,
    /// Told when the camera moved: what hangs at a place of the picture follows.
    pub(super) moved: RefCell<Option<Callback<()>>>,
}

impl View {
    /// What is seen.
    pub(super) fn camera(&self) -> Camera {
        self.camera.get()
    }

    /// How large the board is.
    pub(super) fn size(&self) -> Size {
        self.size.get()
    }

    fn whole(&self) -> Size {
        let scene = self.scene.borrow();
        Size { w: scene.width, h: scene.height }
    }

    /// Another camera.
    pub(super) fn set(&self, camera: Camera) {
        self.camera.set(camera.kept(self.whole(), self.size.get()));
        self.apply();
    }

    /// All of the picture.
    pub(super) fn fit(&self) {
        let first = self.scene.borrow().hosts.first().map(|host| host.rect);
        self.camera.set(Camera::fit(self.whole(), first, self.size.get()));
        self.apply();
    }

    /// The board or the scene may have changed its size.
    pub(super) fn measure(&self) {
        let size = self.measured();
        // A hidden board has no size, and nothing can be fitted into it: it is measured again when it is seen.
        if !size.is_some() {
            return;
        }
        let before = self.size.replace(size);
        if self.camera.get().fitted || !before.is_some() || Camera::is_other_view(before, size) {
            self.fit();
        } else if before == size {
            self.apply();
        } else {
            self.set(self.camera.get().resized(before, size));
        }
    }

    fn measured(&self) -> Size {
        let board = self.board.cast::<Element>();
        board.map_or_else(Size::default, |board| Size {
            w: f64::from(board.client_width()),
            h: f64::from(board.client_height()),
        })
    }

    /// Brings a place of the scene into sight.
    pub(super) fn show(&self, rect: Rect) {
        if !self.measured().is_some() {
            return;
        }
        let camera = self.camera.get().showing(rect, self.size.get());
        if camera != self.camera.get() {
            self.set(camera);
        }
    }

    /// Larger or smaller around the middle.
    pub(super) fn zoom(&self, factor: f64) {
        let size = self.size.get();
        self.set(self.camera.get().zoomed(factor, Point::new(size.w / 2.0, size.h / 2.0)));
    }

    /// A place of the page as a place of the board.
    pub(super) fn on_board(&self, client_x: i32, client_y: i32) -> Point {
        let Some(board) = self.board.cast::<Element>() else { return Point::default() };
        let rect = board.get_bounding_client_rect();
        Point::new(f64::from(client_x) - rect.x(), f64::from(client_y) - rect.y())
    }

    /// Tells the layers.
    pub(super) fn apply(&self) {
        if !self.size.get().is_some() {
            return;
        }
        if let Some(board) = self.board.cast::<Element>() {
            let view_box = self.camera.get().view_box(self.size.get());
            if let Ok(layers) = board.query_selector_all("svg.layer") {
                for at in 0..layers.length() {
                    if let Some(layer) = layers.item(at).and_then(|node| node.dyn_into::<Element>().ok()) {
                        let _ = layer.set_attribute("viewBox", &view_box);
                    }
                }
            }
        }
        let paint = self.paint.borrow().clone();
        paint.iter().for_each(|paint| paint.emit(()));
        let moved = self.moved.borrow().clone();
        moved.iter().for_each(|moved| moved.emit(()));
    }
}
