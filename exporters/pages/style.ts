/** The style of all pages: light, dark and print; 360 px and up; nothing is told by colour alone. */
export const style = `
:root{color-scheme:light dark;--bg:#fff;--fg:#1c2128;--dim:#57606a;--line:#d0d7de;--soft:#f4f6f8;--link:#0b5cad;--good:#0a6b2d;--bad:#b00020;--open:#855300;--none:#57606a;--inv:#fff}
@media (prefers-color-scheme:dark){:root{--bg:#0f1419;--fg:#e6edf3;--dim:#9aa7b4;--line:#3a444e;--soft:#1a2129;--link:#79b8ff;--good:#56d37c;--bad:#ff8f8f;--open:#f0c14b;--none:#9aa7b4;--inv:#0f1419}}
*{box-sizing:border-box}
html{font:15px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;background:var(--bg);color:var(--fg);-webkit-text-size-adjust:100%}
body{margin:0 auto;max-width:78rem;padding:0 1rem 2rem}
a{color:var(--link)}
:focus-visible{outline:3px solid var(--link);outline-offset:2px}
main:focus{outline:none}
.skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:.5rem;background:var(--bg);padding:.3rem .6rem;z-index:2}
header{display:flex;flex-wrap:wrap;gap:.3rem 1rem;align-items:baseline;justify-content:space-between;padding:.6rem 0;border-bottom:1px solid var(--line)}
header nav a{margin-right:.7rem}.brand{font-weight:700;color:var(--fg);text-decoration:none}
#contact{margin:0;color:var(--dim);font-size:.9em}
.lost #contact{color:var(--inv);background:var(--bad);padding:.25rem .7rem;font-weight:700;border-radius:3px}
.lost main{border-left:6px double var(--bad);padding-left:.6rem}
h1{font-size:1.5rem;margin:1rem 0 .4rem}h2{font-size:1.15rem;margin:1.4rem 0 .5rem}h3{font-size:1rem;margin:1rem 0 .3rem}
p{margin:.4rem 0}ul,ol{margin:.3rem 0;padding-left:1.3rem}
h1,h2,h3,p,li,td,th,dd,dt,summary,figcaption{overflow-wrap:anywhere}
.dim,time{color:var(--dim)}time{white-space:nowrap}time[data-ago]::after{content:" (" attr(data-ago) ")"}
code,.id,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.9em}
pre{background:var(--soft);border:1px solid var(--line);padding:.5rem .7rem;white-space:pre-wrap;overflow-wrap:anywhere;margin:.3rem 0}
.badge{display:inline-block;padding:.05rem .5rem;font-weight:700;white-space:nowrap;border:2px solid currentColor}
.s-private{color:var(--good);border-radius:1rem}
.s-public{color:var(--inv);background:var(--bad);border-color:var(--bad)}
.s-mixed{color:var(--bad);border-style:double;border-width:4px}
.s-undetermined{color:var(--open);border-style:dashed}
.s-blocked{color:var(--none);border-radius:3px}
.met{font-weight:700}.met.yes{color:var(--good)}.met.no{color:var(--bad)}.met.waived{color:var(--open)}.met.none{color:var(--dim);font-weight:400}
.head{border:2px solid var(--line);border-left-width:.6rem;padding:.5rem .9rem;margin:.8rem 0}
.head.bad{border-color:var(--bad)}.head.open{border-color:var(--open)}.head.good{border-color:var(--good)}
.head h1{margin:.1rem 0}.tally{list-style:none;display:flex;flex-wrap:wrap;gap:.4rem;padding:0}
.tally a{text-decoration:none}.tally a:hover .badge{text-decoration:underline}
.notices{border-left:.4rem solid var(--open);padding-left:1.6rem}
.tools{display:none;flex-wrap:wrap;gap:.4rem .8rem;align-items:center;margin:.6rem 0}.js .tools{display:flex}
.tools input,.tools select,.copy,.tools button{font:inherit;color:inherit;background:var(--bg);border:1px solid var(--dim);border-radius:4px;padding:.25rem .5rem;max-width:100%}
.tools input{min-width:11rem}.tools button[aria-pressed=true]{border-width:2px;border-color:var(--link);font-weight:700}
.target{border:1px solid var(--line);border-radius:6px;margin:.5rem 0;padding:.45rem .7rem}
.target.urgent{border-left:.4rem solid var(--bad)}
.target h3{margin:0;display:inline}.target .line{display:flex;flex-wrap:wrap;gap:.2rem .8rem;align-items:baseline}
.names{list-style:none;padding:0;margin:.35rem 0 0}
.names li{display:grid;grid-template-columns:10.5rem minmax(12rem,22rem) 1fr;gap:.1rem .8rem;border-top:1px solid var(--line);padding:.3rem 0;align-items:baseline}
.names .what{font-size:.93em}
[data-hidden]{display:none!important}
summary{cursor:pointer}
dl.facts{display:grid;grid-template-columns:max-content 1fr;gap:.15rem .9rem;margin:.4rem 0}dl.facts dt{color:var(--dim)}dl.facts dd{margin:0}
table{border-collapse:collapse;width:100%;font-size:.93em}th,td{text-align:left;padding:.25rem .5rem .25rem 0;border-bottom:1px solid var(--line);vertical-align:top}
th{white-space:nowrap}.scroll{overflow-x:auto}.scroll table{min-width:44rem}.scroll td{overflow-wrap:break-word}.scroll td:first-child{white-space:nowrap}
.two{display:grid;grid-template-columns:minmax(0,26rem) minmax(0,1fr);gap:.4rem 1.6rem;align-items:start}
.name{border-top:3px solid var(--line);margin-top:1.6rem;padding-top:.3rem}
.conflict{border:2px solid var(--bad);padding:.3rem .8rem;margin:.5rem 0}.conflict .sides{display:grid;grid-template-columns:1fr 1fr;gap:1rem}
.copy{display:none;font-size:.85em}.js .copy{display:inline-block}
.plots{display:flex;flex-wrap:wrap;gap:1rem}.plot{margin:.3rem 0;max-width:24rem;flex:1 1 16rem}.plot figcaption{font-size:.88em}
.plot svg{width:100%;height:64px;display:block;border:1px solid var(--line)}
.p-line{fill:none;stroke:var(--link);stroke-width:1.5;vector-effect:non-scaling-stroke}.p-band{fill:var(--link);fill-opacity:.22}.p-axis{stroke:var(--line)}.p-dot{fill:var(--link)}
.timeline{list-style:none;padding-left:.9rem;border-left:3px solid var(--line)}.timeline li{margin:.35rem 0}
svg.way{width:100%;max-width:26rem;height:auto;display:block;font:13px system-ui,sans-serif}
svg.way text{fill:var(--fg)}svg.way .w-title{font-weight:600}svg.way .w-id{font:11.5px ui-monospace,Menlo,Consolas,monospace}
.w-box{fill:var(--soft);stroke:var(--dim)}.w-unsure{stroke-dasharray:5 4;stroke:var(--open);stroke-width:2}
.w-line{stroke:var(--dim);stroke-width:2;fill:none}.w-lane{fill:var(--bg);stroke:var(--dim)}
.w-faint,.w-out .w-line{stroke:var(--line);stroke-dasharray:2 5;stroke-width:1.5}
.w-maybe.w-line,.w-maybe .w-line,.w-either.w-line,.w-either .w-line{stroke:var(--open);stroke-width:2;stroke-dasharray:6 5}
.w-maybe .w-lane,.w-either .w-lane{stroke:var(--open);stroke-width:2;stroke-dasharray:6 5}
.w-taken.w-line,.w-taken .w-line{stroke:var(--fg);stroke-width:5}.w-taken .w-lane{stroke:var(--fg);stroke-width:3}
.w-private .w-lane{stroke:var(--good)}.w-public .w-lane{stroke:var(--bad)}
.w-dot.w-private{fill:var(--good)}.w-dot.w-public{fill:var(--bad)}.w-dot,.w-stop{fill:var(--fg);stroke:var(--bg);stroke-width:1.5}
.w-ring{fill:var(--bg);stroke:var(--open);stroke-width:2}svg.way .w-q{fill:var(--open);font-weight:700;text-anchor:middle}
.w-cross{stroke:var(--dim);stroke-width:2;fill:none}svg.way .w-label{fill:var(--dim);font-size:12px}
svg.way .w-side{font-weight:700;text-anchor:end}.w-arrow{fill:var(--fg)}
footer{margin-top:2rem;border-top:1px solid var(--line);color:var(--dim);font-size:.9em}
kbd{border:1px solid var(--dim);border-radius:3px;padding:0 .3em}
@media (max-width:46rem){.names li{grid-template-columns:1fr}.two,.conflict .sides{grid-template-columns:minmax(0,1fr)}dl.facts{grid-template-columns:1fr}dl.facts dt{margin-top:.3rem}time{white-space:normal}body{padding:0 .6rem 2rem}}
@media print{:root{--bg:#fff;--fg:#000;--dim:#333;--line:#888;--soft:#fff;--link:#000;--good:#000;--bad:#000;--open:#000;--none:#000;--inv:#fff}.tools,.copy,.skip,header nav{display:none!important}.target,figure,.conflict,svg{break-inside:avoid}.s-public{-webkit-print-color-adjust:exact;print-color-adjust:exact}details>*{display:block}}
@media (forced-colors:active){.badge{border-color:CanvasText}}
`
