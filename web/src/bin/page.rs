//! The page's module: mounts the application into the document.

fn main() {
    netmodes_web::app::mount();
}
