//! Exemplars on a graph, for a pointer, a finger and keys.

use serde_json::{Value, json};

use crate::exemplars_process::send;
use crate::process::{Folder, Server};
use crate::webdriver::{Browser, Screen};

/// What is read out after an event in the page's own script.
fn read_after(event: &str) -> String {
    format!(
        "const plot = document.querySelector('.plot'), marks = [...plot.querySelectorAll('.ex')];\
         const key = (key, shiftKey) => plot.dispatchEvent(new KeyboardEvent('keydown', {{ key, shiftKey, bubbles: true }}));\
         const touch = (n, by) => {{ const box = marks[n].getBoundingClientRect();\
           plot.querySelector('svg').dispatchEvent(new PointerEvent('pointerdown',\
             {{ clientX: box.x + box.width / 2 + by, clientY: box.y + box.height / 2, pointerType: 'touch' }})); }};\
         {event};\
         return [plot.querySelector('.read').textContent, marks.map((mark) => mark.classList.contains('on')).indexOf(true)]"
    )
}

#[tokio::test]
async fn an_exemplar_is_found_by_finger_and_by_keys() {
    let Some(browser) = Browser::start().await else { return };
    let folder = Folder::new("browser-exemplars");
    let config = folder.write("bellwether.yml", "{}\n");
    let server = Server::start(&config, &folder.path("data")).await;
    let now = bellwether::clock::now().0;
    for (before, trace) in [(200_000, "first"), (120_000, "second"), (10_000, "third")] {
        send(&server, now - before, trace).await;
    }
    for screen in [Screen { width: 390, height: 844 }, Screen { width: 1280, height: 900 }] {
        browser.screen(screen).await;
        browser.open(&format!("{}/explore?expr=shop_seconds_bucket&range=5m&tab=graph", server.url)).await;
        let check = async |event: &str, trace: &str, place: i64| {
            let found: Value = browser.run(&read_after(event)).await;
            let said = found[0].as_str().unwrap();
            if place < 0 {
                assert!(!said.contains('◆'), "{event}: {said}");
            } else {
                assert!(said.contains(&format!("◆ trace_id={trace}: 0.25")), "{event}: {said}");
            }
            assert_eq!(found[1], json!(place), "{event}");
        };
        check("key('ArrowLeft', true)", "third", 2).await;
        check("key('ArrowLeft', true)", "second", 1).await;
        check("key('ArrowRight', true)", "third", 2).await;
        check("key('ArrowRight', true)", "third", 2).await;
        check("key('Home', false)", "", -1).await;
        check("key('ArrowRight', true)", "first", 0).await;
        check("touch(1, 3)", "second", 1).await;
        check("touch(1, 40)", "", -1).await;
        check("key('Escape', false)", "", -1).await;
        let table = browser.run("return document.querySelector('.exemplars').textContent").await;
        assert!(table.as_str().is_some_and(|table| table.contains("3 exemplars")), "{table}");
        let fits = browser.run("return document.documentElement.scrollWidth <= innerWidth").await;
        assert_eq!(fits, json!(true));
        assert_eq!(browser.complaints().await, Vec::<String>::new());
    }
}
