//! Where things of the topology are drawn: plain geometry, no Yew.
