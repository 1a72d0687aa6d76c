"""How good everybody is who answers after the crowd: paid models, people, experts. Begin with `learning.learn`.

`hierarchy` shrinks confusion matrices from person to group to prior; `evidence` says how many answers on known tasks an
estimate is worth, and so its interval; `drift` discounts old answers and raises the alarm when somebody changes.
"""
